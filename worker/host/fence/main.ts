/** The process of a fence, started in its state directory. One for each; a second one ends at once. */
import { join } from 'node:path';
import { tryLock } from '../../../lib/processes/process-lock.ts';
import { FENCE_LOCK } from './start-fence.ts';
import { runFence } from './fence.ts';

const stateDir = process.cwd();
const asked = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => asked.abort());
const lock = await tryLock(join(stateDir, FENCE_LOCK));
if ('unlock' in lock) {
  const log = (text: string): void => void process.stderr.write(`${new Date().toISOString()} ${text}\n`);
  await runFence({ stateDir, log, signal: asked.signal }).finally(() => lock.unlock().catch(() => undefined));
}
