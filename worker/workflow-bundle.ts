import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { workflowBuildId } from './workflow-build.ts';

const KEPT_BUNDLE = resolve(import.meta.dirname, '..', 'dist', 'workflows.js');

/** What the bundler has to say, told at two levels. */
export interface BundleLog {
  debug: (message: string) => void;
  warn: (message: string) => void;
}

/**
 * The workflow code of this checkout as one file that runs in the workflow sandbox. Bundling takes seconds in which a
 * worker that came back is of no use yet, so the bundle is kept in `dist/` for as long as the code stays as it is.
 */
export async function bundleWorkflows(log: BundleLog): Promise<{ code: string }> {
  const firstLine = `// ${workflowBuildId()}\n`;
  const kept = await readFile(KEPT_BUNDLE, 'utf8').catch(() => '');
  if (kept.startsWith(firstLine)) return { code: kept };
  const { code } = await bundle(log);
  await keep(firstLine + code).catch((error: unknown) => {
    log.debug(`the workflow bundle cannot be kept, the next start takes longer: ${String(error)}`);
  });
  return { code: firstLine + code };
}

async function bundle(log: BundleLog): Promise<{ code: string }> {
  const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
  const say = (message: string): void => log.debug(message);
  const warn = (message: string): void => log.warn(message);
  const logger = { log: (_: string, message: string) => say(message), trace: say, debug: say, info: say };
  return bundleWorkflowCode({ workflowsPath, logger: { ...logger, warn, error: warn } });
}

/** Whole or not at all: other processes of this checkout read it. */
async function keep(text: string): Promise<void> {
  await mkdir(dirname(KEPT_BUNDLE), { recursive: true });
  const draft = `${KEPT_BUNDLE}.${process.pid}`;
  await writeFile(draft, text);
  await rename(draft, KEPT_BUNDLE);
}
