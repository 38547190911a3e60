import { CancellationScope, condition } from '@temporalio/workflow';

/** Runs `work` as long as `stillNeeded`; then cancels what is left of it and waits until it has ended. */
export async function runWhile(stillNeeded: () => boolean, work: () => Promise<void>): Promise<void> {
  const scope = new CancellationScope();
  const finished = scope.run(work);
  const released = finished.catch(() => undefined);
  await scope.run(() => Promise.race([finished, condition(() => !stillNeeded())])).finally(() => scope.cancel());
  await released;
}
