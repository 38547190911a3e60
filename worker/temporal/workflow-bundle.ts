import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { replaceFile } from '../../lib/files/atomic-file.ts';
import { IS_CHECKOUT } from '../../lib/processes/checkout.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Whatever ends up in the bundle besides the SDK is in here, and more than that. */
const SOURCES = ['workflows', 'domain'];
const SDK = ['@temporalio/workflow', '@temporalio/worker'];
const HASH_CHARACTERS = 12;

/** What the bundler has to say, told at two levels. */
export interface BundleLog {
  debug: (message: string) => void;
  warn: (message: string) => void;
}

/**
 * The workflow code of a checkout as one file that runs in the workflow sandbox. Bundling takes seconds in which a
 * worker that came back is of no use yet, so the bundle is kept in `dist/` for as long as the sources stay as they are.
 */
export async function bundleWorkflows(log: BundleLog, root: string = ROOT): Promise<{ code: string }> {
  const path = join(root, 'dist', 'workflows.js');
  if (root === ROOT && !IS_CHECKOUT) return { code: withoutFirstLine(await readFile(path, 'utf8')) };
  const firstLine = `// made of ${await sourcesHash(root)}\n`;
  const kept = await readFile(path, 'utf8').catch(() => '');
  if (kept.startsWith(firstLine)) return { code: kept.slice(firstLine.length) };
  const { code } = await bundle(log, root);
  await keep(path, firstLine + code).catch((error: unknown) => {
    log.debug(`the workflow bundle cannot be kept, the next start takes longer: ${String(error)}`);
  });
  return { code };
}

function withoutFirstLine(text: string): string {
  return text.slice(text.indexOf('\n') + 1);
}

/**
 * Names bundled workflow code by what it does: the same on every machine and in every directory, and another one
 * whenever the code that workflows run, the SDK's included, is another.
 */
export function workflowBuildId({ code }: { code: string }): string {
  // The source map behind the code names the directory of the checkout.
  const end = code.lastIndexOf('//# sourceMappingURL=');
  const executed = end === -1 ? code : code.slice(0, end);
  // In which order the bundler writes the modules depends on where its own files are.
  const modules = executed.match(BUNDLED_MODULE) ?? [];
  const others = executed.replace(BUNDLED_MODULE, '');
  const hash = createHash('sha256').update(others.trim());
  for (const module of modules.map((text) => text.replace(/,$/, '')).sort()) hash.update(module);
  return `workflows-${hash.digest('hex').slice(0, HASH_CHARACTERS)}`;
}

/** One module in what webpack writes, from its name to its end. */
const BUNDLED_MODULE = /^\/\*{3}\/ "[^"]+"\n[^]*?^\/\*{3}\/ \},?$/gm;

async function sourcesHash(root: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const hash = createHash('sha256').update(SDK.map((name) => manifest.dependencies[name] ?? '').join());
  for (const folder of SOURCES) {
    const files = await readdir(join(root, folder), { recursive: true });
    const texts = files.filter((file) => file.endsWith('.ts')).sort();
    for (const file of texts) hash.update(`\n${folder}/${file}\n`).update(await readFile(join(root, folder, file)));
  }
  return hash.digest('hex');
}

async function bundle(log: BundleLog, root: string): Promise<{ code: string }> {
  const workflowsPath = join(root, 'workflows', 'index.ts');
  const say = (message: string): void => log.debug(message);
  const warn = (message: string): void => log.warn(message);
  const logger = { log: (_: string, message: string) => say(message), trace: say, debug: say, info: say };
  return bundleWorkflowCode({
    workflowsPath,
    logger: { ...logger, warn, error: warn },
    // Modules are named by their paths in the checkout, else the code would differ by where it is and who bundles it.
    webpackConfigHook: (config) => ({
      ...config,
      context: root,
      resolve: { ...config.resolve, symlinks: false },
    }),
  });
}

/** Whole or not at all: other processes of this checkout read it, those of other users too. */
async function keep(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, text, 0o644);
}
