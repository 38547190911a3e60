/** `npm run pack`: makes the package that runs without a checkout (docs/decisions/0091). */
import { chmod, copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildDashboard } from '../commands/start/build-dashboard.ts';
import { buildVmServer } from '../commands/start/build-vm-server.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { runCommand } from '../commands/terminal/run-command.ts';
import { runScript, say, ScriptError, step } from '../commands/terminal/terminal.ts';
import { CODE_ROOT } from '../lib/processes/checkout.ts';
import { bundleWorkflows } from '../worker/temporal/workflow-bundle.ts';
import { bundlePrograms } from './pack/bundle.ts';
import { CLIENT, packClient } from './pack/client.ts';
import { bundleCompute } from './pack/google-compute.ts';
import { thirdPartyNotices } from './pack/notices.ts';
import { OWN_PLATFORM, packNative, platformFields, PLATFORMS } from './pack/native.ts';

const HELP: Help = {
  command: 'npm run pack',
  about:
    'Makes dist/ephemera-VERSION-PLATFORM.tgz, an npm package that needs neither this checkout nor other packages.',
  usage: ['[--platform PLATFORM]'],
  flags: [['--platform PLATFORM', `one of ${PLATFORMS.join(', ')} (default: that of this computer)`]],
  examples: [
    ['npm run pack', 'then: npm install -g dist/ephemera-*.tgz'],
    ['npm run pack -- --platform linux-arm64', 'for another computer'],
  ],
};

const FOLDER = join(CODE_ROOT, 'dist/package');
const DIST = join(FOLDER, 'dist');
const SWAGGER_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'LICENSE'];
/** What programs read beside their own code, by its path in the checkout. */
const FILES = ['LICENSE', 'README.md', 'deploy/image', 'commands/backup/sqlite-copy.mjs'];
const SOURCE_MAP = '//# sourceMappingURL=data:application/json;charset=utf-8;base64,';
const PROGRAM = '#!/usr/bin/env node\n';

await runScript(async () => {
  answerHelp(process.argv, HELP);
  const { platform } = parseArgs({ options: { platform: { type: 'string', default: OWN_PLATFORM } } }).values;
  if (!PLATFORMS.includes(platform)) throw new ScriptError(`--platform must be one of ${PLATFORMS.join(', ')}`);
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(DIST, { recursive: true });
  const inputs = await step('programs', packPrograms);
  await step('dashboard', async () => {
    const built = await buildDashboard();
    if ('missing' in built) throw new ScriptError(`the dashboard cannot be built: ${built.missing}`);
    await cp(built.directory, join(DIST, 'web'), { recursive: true });
  });
  await step('client', () => packClient(FOLDER));
  await step('files', () => packFiles(platform, inputs));
  const file = await step('package', () => pack(platform));
  say(file);
});

/** Resolves with the files that they are made of. */
async function packPrograms(): Promise<string[]> {
  await copyFile(await buildVmServer(), join(DIST, 'vm-server.cjs'));
  const quiet = { debug: () => undefined, warn: (message: string) => say(message) };
  await bundleWorkflows(quiet);
  const workflows = await readFile(join(CODE_ROOT, 'dist/workflows.js'), 'utf8');
  await writeFile(join(DIST, 'workflows.js'), withoutPlace(workflows));
  const programs = await bundlePrograms(DIST, {
    cli: 'commands/cli.ts',
    'commands.start': 'commands/start.ts',
  });
  const compute = await bundleCompute(join(DIST, 'google-compute.cjs'));
  const cli = join(DIST, 'cli.mjs');
  await writeFile(cli, PROGRAM + (await readFile(cli, 'utf8')));
  await chmod(cli, 0o755);
  return [...programs, ...Object.keys(compute.inputs)];
}

/** The source map names the directory of the checkout, which is nobody's business. */
function withoutPlace(workflows: string): string {
  const at = workflows.lastIndexOf(SOURCE_MAP);
  if (at === -1) throw new Error('the workflow bundle has no source map');
  const map = Buffer.from(workflows.slice(at + SOURCE_MAP.length), 'base64').toString('utf8');
  const plain = map.replaceAll(CODE_ROOT.slice(1), 'ephemera/');
  return workflows.slice(0, at) + SOURCE_MAP + Buffer.from(plain).toString('base64');
}

async function packFiles(platform: string, inputs: readonly string[]): Promise<void> {
  await packNative(DIST, platform);
  const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  await mkdir(join(DIST, 'swagger-ui'));
  for (const file of SWAGGER_FILES) await copyFile(join(swagger, file), join(DIST, 'swagger-ui', file));
  for (const file of FILES) await cp(join(CODE_ROOT, file), join(FOLDER, file), { recursive: true });
  await writeFile(join(FOLDER, 'THIRD-PARTY-NOTICES'), await thirdPartyNotices(inputs));
  await writeFile(join(FOLDER, 'package.json'), `${JSON.stringify(await manifest(platform), null, 2)}\n`);
}

/** It has no dependencies: all that it needs of other packages is in its own files. */
async function manifest(platform: string): Promise<object> {
  const { name, version, description, license, type, engines } = JSON.parse(
    await readFile(join(CODE_ROOT, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return {
    ...{ name, version, description, license, type, engines },
    ...platformFields(platform),
    bin: { ephemera: 'dist/cli.mjs' },
    exports: {
      './client': { types: `./${CLIENT.types}`, default: `./${CLIENT.code}` },
      './package.json': './package.json',
    },
  };
}

/** Resolves with the path of the file. */
async function pack(platform: string): Promise<string> {
  const args = ['pack', FOLDER, '--json', '--loglevel=error', '--pack-destination', join(CODE_ROOT, 'dist')];
  const { code, output } = await runCommand('npm', args, { cwd: CODE_ROOT });
  const [packed] = code === 0 ? (JSON.parse(output) as { filename: string }[]) : [];
  if (packed === undefined) throw new Error(`npm pack failed: ${output}`);
  const made = join(CODE_ROOT, 'dist', packed.filename);
  const named = made.replace(/\.tgz$/, `-${platform}.tgz`);
  await copyFile(made, named);
  await rm(made);
  return named;
}
