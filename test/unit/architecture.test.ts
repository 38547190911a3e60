import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CONFIG_FILE = path.join(ROOT, '.dependency-cruiser.cjs');

interface CruiseRule {
  name: string;
}

/** A file that breaks exactly one rule of .dependency-cruiser.cjs: what it imports from where. */
interface Violation {
  rule: string;
  from: string;
  imports: string;
  /** Its name, where the rule is about files of that name. */
  name?: string;
}

const VIOLATIONS: Violation[] = [
  { rule: 'domain-is-pure', from: 'domain', imports: 'node:crypto' },
  { rule: 'domain-is-pure', from: 'domain', imports: '../config/ok.ts' },
  { rule: 'domain-is-pure', from: 'domain', imports: '@temporalio/workflow' },
  { rule: 'workflows-know-the-domain', from: 'workflows', imports: '../providers/ok.ts' },
  { rule: 'workflows-know-the-domain', from: 'workflows', imports: '../config/ok.ts' },
  { rule: 'workflows-use-only-the-workflow-sdk', from: 'workflows', imports: 'node:fs' },
  { rule: 'workflows-use-only-the-workflow-sdk', from: 'workflows', imports: '@temporalio/client' },
  { rule: 'workflows-use-only-the-workflow-sdk', from: 'workflows', imports: '@google-cloud/compute' },
  { rule: 'spec-knows-the-domain', from: 'spec', imports: '../providers/ok.ts' },
  { rule: 'client-knows-nothing-of-ours', from: 'client', imports: '../domain/ok.ts' },
  { rule: 'api-knows-domain-config-messages-and-descriptors', from: 'api', imports: '../client/ok.ts' },
  { rule: 'providers-know-the-domain', from: 'providers', imports: '../config/ok.ts' },
  { rule: 'providers-know-the-domain', from: 'providers', imports: '../workflows/ok.ts' },
  { rule: 'providers-without-temporal', from: 'providers', imports: '@temporalio/client' },
  { rule: 'providers-share-only-what-is-of-no-provider', from: 'providers/qemu', imports: '../local/ok.ts' },
  { rule: 'providers-share-only-what-is-of-no-provider', from: 'providers/host', imports: '../local/ok.ts' },
  { rule: 'providers-share-only-what-is-of-no-provider', from: 'providers/a-new-one', imports: '../local/ok.ts' },
  { rule: 'providers-share-only-what-is-of-no-provider', from: 'providers/cloud', imports: '../a-new-one/ok.ts' },
  { rule: 'providers-are-known-by-their-registry', from: 'commands', imports: '../providers/qemu/ok.ts' },
  { rule: 'providers-are-known-by-their-registry', from: 'commands', imports: '../providers/local/descriptor.ts' },
  { rule: 'providers-are-known-by-their-registry', from: 'worker', imports: '../providers/a-new-one/ok.ts' },
  { rule: 'providers-are-known-by-their-registry', from: 'activities', imports: '../providers/local/ok.ts' },
  { rule: 'hosts-and-clouds-share-nothing', from: 'providers/host', imports: '../cloud/ok.ts' },
  { rule: 'hosts-and-clouds-share-nothing', from: 'providers/cloud', imports: '../host/ok.ts' },
  {
    ...{ rule: 'descriptors-load-no-client', from: 'providers/a-new-one', name: 'descriptor.ts' },
    imports: '@google-cloud/compute',
  },
  { rule: 'activities-know-domain-and-providers', from: 'activities', imports: '../config/ok.ts' },
  { rule: 'activities-know-domain-and-providers', from: 'activities', imports: '../worker/ok.ts' },
  { rule: 'config-knows-domain-and-descriptors', from: 'config', imports: '../worker/ok.ts' },
  { rule: 'config-knows-domain-and-descriptors', from: 'config', imports: '../providers/local/ok.ts' },
  { rule: 'security-knows-domain-config-and-descriptors', from: 'security', imports: '../providers/local/ok.ts' },
  { rule: 'telemetry-knows-domain-and-config', from: 'telemetry', imports: '../worker/ok.ts' },
  { rule: 'telemetry-knows-domain-and-config', from: 'telemetry', imports: '../api/ok.ts' },
  { rule: 'streams-know-the-domain', from: 'streams', imports: '../worker/ok.ts' },
  { rule: 'worker-composes', from: 'worker', imports: '../api/ok.ts' },
  { rule: 'api-knows-domain-config-messages-and-descriptors', from: 'api', imports: '../providers/ok.ts' },
  { rule: 'api-knows-domain-config-messages-and-descriptors', from: 'api', imports: '../activities/ok.ts' },
  { rule: 'api-knows-domain-config-messages-and-descriptors', from: 'api', imports: '../workflows/ok.ts' },
  { rule: 'gateway-asks-the-api-as-any-client', from: 'gateway', imports: '../api/ok.ts' },
  { rule: 'gateway-asks-the-api-as-any-client', from: 'gateway', imports: '../security/ok.ts' },
  { rule: 'gateway-without-temporal-or-cloud', from: 'gateway', imports: '@temporalio/client' },
  { rule: 'vm-server-knows-only-the-domain', from: 'vm-server', imports: '../config/ok.ts' },
  { rule: 'vm-server-without-temporal-or-cloud', from: 'vm-server', imports: '@temporalio/client' },
  { rule: 'vm-server-without-temporal-or-cloud', from: 'vm-server', imports: '@google-cloud/compute' },
  { rule: 'cli-and-web-speak-http', from: 'cli', imports: '../domain/ok.ts' },
  { rule: 'cli-and-web-speak-http', from: 'web', imports: '../api/ok.ts' },
  { rule: 'examples-speak-http', from: 'examples', imports: '../domain/ok.ts' },
  { rule: 'nothing-imports-tests-or-commands', from: 'worker', imports: '../commands/ok.ts' },
  { rule: 'nothing-imports-tests-or-commands', from: 'api', imports: '../test/ok.ts' },
  { rule: 'nothing-imports-tests-or-commands', from: 'security', imports: '../test-support/ok.ts' },
  { rule: 'commands-without-developer-tools', from: 'commands', imports: '../dev/ok.ts' },
  { rule: 'lib-knows-nothing-of-ours', from: 'lib', imports: '../domain/ok.ts' },
  { rule: 'security-knows-domain-config-and-descriptors', from: 'security', imports: '../api/ok.ts' },
  { rule: 'no-circular', from: 'config', imports: './circle.ts' },
];

/** What each layer is there to import; none of these may be reported. */
const ALLOWED: Omit<Violation, 'rule' | 'name'>[] = [
  { from: 'workflows', imports: '../domain/ok.ts' },
  { from: 'workflows', imports: '@temporalio/workflow' },
  { from: 'providers', imports: '../domain/ok.ts' },
  { from: 'providers', imports: '../spec/ok.ts' },
  { from: 'api', imports: '../spec/ok.ts' },
  { from: 'cli', imports: '../client/ok.ts' },
  { from: 'commands', imports: '../client/ok.ts' },
  { from: 'providers', imports: '@google-cloud/compute' },
  { from: 'providers/local', imports: '../host/ok.ts' },
  { from: 'providers/a-new-one', imports: '../cloud/ok.ts' },
  { from: 'config', imports: '../providers/lookup.ts' },
  { from: 'config', imports: '../providers/local/descriptor.ts' },
  { from: 'security', imports: '../providers/lookup.ts' },
  { from: 'api', imports: '../providers/registry.ts' },
  { from: 'providers/local', imports: '../ok.ts' },
  { from: 'activities', imports: '../providers/ok.ts' },
  { from: 'worker', imports: '../providers/host/ok.ts' },
  { from: 'commands', imports: '../providers/lookup.ts' },
  { from: 'providers', imports: '../lib/ok.ts' },
  { from: 'security', imports: '../config/ok.ts' },
  { from: 'worker', imports: '../security/ok.ts' },
  { from: 'dev', imports: '../commands/ok.ts' },
  { from: 'activities', imports: '@temporalio/activity' },
  { from: 'config', imports: '@temporalio/envconfig' },
  { from: 'streams', imports: '../domain/ok.ts' },
  { from: 'worker', imports: '../streams/ok.ts' },
  { from: 'api', imports: '../streams/ok.ts' },
  { from: 'worker', imports: '../activities/ok.ts' },
  { from: 'worker', imports: '../workflows/ok.ts' },
  { from: 'worker', imports: '../telemetry/ok.ts' },
  { from: 'api', imports: '../telemetry/ok.ts' },
  { from: 'telemetry', imports: '../domain/ok.ts' },
  { from: 'telemetry', imports: '../config/ok.ts' },
  { from: 'api', imports: '../workflows/messages.ts' },
  { from: 'api', imports: '@temporalio/client' },
  { from: 'vm-server', imports: '../domain/ok.ts' },
  { from: 'gateway', imports: '../client/ok.ts' },
  { from: 'commands', imports: '../gateway/ok.ts' },
];

const LAYERS = [
  ...['domain', 'spec', 'client', 'workflows', 'providers', 'activities', 'lib', 'security', 'config', 'telemetry'],
  ...[
    'streams',
    'worker',
    'api',
    'gateway',
    'vm-server',
    'cli',
    'web',
    'examples',
    'test',
    'test-support',
    'commands',
    'dev',
  ],
];
const PROVIDERS = ['host', 'cloud', 'local', 'qemu', 'a-new-one'].map((name) => `providers/${name}`);
const OF_PROVIDERS = ['registry.ts', 'lookup.ts', 'local/descriptor.ts'];
const PACKAGES = [
  ...['workflow', 'client', 'activity', 'envconfig'].map((name) => `@temporalio/${name}`),
  '@google-cloud/compute',
];

/** Writes a tree of our layers in which each violation has a file of its own; returns rule by file. */
async function writeTree(dir: string): Promise<Map<string, string>> {
  await cp(path.join(ROOT, 'tsconfig.json'), path.join(dir, 'tsconfig.json'));
  for (const name of PACKAGES) {
    const packageDir = path.join(dir, 'node_modules', name);
    await mkdir(packageDir, { recursive: true });
    await writeFile(path.join(packageDir, 'package.json'), JSON.stringify({ name, main: 'index.js' }));
    await writeFile(path.join(packageDir, 'index.js'), 'exports.ok = 1;\n');
  }
  for (const layer of [...LAYERS, ...PROVIDERS]) {
    await mkdir(path.join(dir, layer));
    await writeFile(path.join(dir, layer, 'ok.ts'), 'export const ok = 1;\n');
  }
  await writeFile(path.join(dir, 'workflows/messages.ts'), 'export const ok = 1;\n');

  for (const file of OF_PROVIDERS) await writeFile(path.join(dir, 'providers', file), 'export const ok = 1;\n');
  const ruleByFile = new Map<string, string>();
  for (const [index, { rule, from, imports, name = `violation-${index}.ts` }] of VIOLATIONS.entries()) {
    const file = `${from}/${name}`;
    // Half of them import a type alone: that is a dependency too.
    const keyword = index % 2 === 0 ? 'import' : 'import type';
    const importing = `${keyword} { ok } from '${imports}';\nexport type Used = typeof ok;\n`;
    await writeFile(path.join(dir, file), importing);
    if (imports === './circle.ts') {
      await writeFile(
        path.join(dir, from, imports),
        `import type { Used } from './${name}';\nexport const ok: Used = 1;\n`,
      );
    }
    ruleByFile.set(file, rule);
  }
  for (const [index, { from, imports }] of ALLOWED.entries()) {
    await writeFile(path.join(dir, from, `allowed-${index}.ts`), `import { ok } from '${imports}';\nexport { ok };\n`);
  }
  return ruleByFile;
}

interface Found {
  from: string;
  to: string;
  rule: { name: string };
}

async function cruise(dir: string): Promise<Found[]> {
  const program = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, '--config', CONFIG_FILE, '--output-type', 'json', ...LAYERS],
    { cwd: dir, maxBuffer: 64 * 1024 * 1024 },
  ).catch((error: unknown) => {
    // It ends with the number of violations as its exit code.
    const failed = error as { stdout: string; stderr: string };
    if (failed.stdout === '') throw new Error(failed.stderr);
    return failed;
  });
  return (JSON.parse(stdout) as { summary: { violations: Found[] } }).summary.violations;
}

describe('the import gates', () => {
  it('have a violation here for each of their rules', () => {
    const { forbidden } = createRequire(import.meta.url)(CONFIG_FILE) as { forbidden: CruiseRule[] };
    expect(new Set(VIOLATIONS.map(({ rule }) => rule))).toEqual(new Set(forbidden.map(({ name }) => name)));
  });

  it('fire on each violation and on nothing else', { timeout: 60_000 }, async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'import-gates-'));
    try {
      const ruleByFile = await writeTree(dir);
      const found = await cruise(dir);
      const fires = ([file, rule]: [string, string]): boolean =>
        found.some((one) => one.rule.name === rule && (one.from === file || one.to === file));
      expect([...ruleByFile].filter((violation) => !fires(violation))).toEqual([]);
      const innocent = found.filter(({ from, to }) => !ruleByFile.has(from) && !ruleByFile.has(to));
      expect(innocent).toEqual([]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

/** The errors of one made-up file, compiled as part of a layer with that layer's tsconfig.json. */
function compileErrors(layer: string, source: string): string[] {
  const configPath = path.join(ROOT, layer, 'tsconfig.json');
  const parsed = ts.getParsedCommandLineOfConfigFile(
    configPath,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (!parsed) throw new Error(`cannot read ${configPath}`);
  const file = path.join(ROOT, layer, 'made-up.ts');
  const host = ts.createCompilerHost(parsed.options);
  const disk = { ...host };
  host.fileExists = (name) => name === file || disk.fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2023) : disk.getSourceFile(name, ...rest);
  const program = ts.createProgram([file], parsed.options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe.each(['domain', 'workflows'])('in %s/', (layer) => {
  it('the platform does not compile', () => {
    const platform = ['process', 'fetch', 'Buffer', 'setTimeout', 'window', 'crypto', 'require'];
    const errors = compileErrors(layer, platform.map((name) => `export const ${name}_ = ${name};`).join('\n'));
    for (const name of platform) {
      expect(
        errors.filter((error) => error.includes(`'${name}'`)),
        name,
      ).toHaveLength(1);
    }
    expect(errors).toHaveLength(platform.length);
  });

  it('the language does', () => {
    expect(compileErrors(layer, 'export const sum = [1, 2].toSorted().at(-1) ?? Math.max(1, 2);')).toEqual([]);
  });
});
