import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

/** What the bundler has to say, told at two levels. */
export interface BundleLog {
  debug: (message: string) => void;
  warn: (message: string) => void;
}

/** The workflow code of this checkout as one file that runs in the workflow sandbox. Takes some seconds. */
export async function bundleWorkflows(log: BundleLog): Promise<{ code: string }> {
  const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
  const say = (message: string): void => log.debug(message);
  const warn = (message: string): void => log.warn(message);
  const logger = { log: (_: string, message: string) => say(message), trace: say, debug: say, info: say };
  return bundleWorkflowCode({ workflowsPath, logger: { ...logger, warn, error: warn } });
}
