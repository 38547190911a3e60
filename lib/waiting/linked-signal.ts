/**
 * Runs `work` with a signal that aborts when its parent does, when `timeoutMs` passed (null: never), and at the
 * end of the work. `AbortSignal.any` would say the same, but on Node 20 its signal may be collected and never abort.
 */
export async function withLinkedSignal<Result>(
  parent: AbortSignal,
  timeoutMs: number | null,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const linked = new AbortController();
  const follow = (): void => linked.abort(parent.reason);
  const expire = (): void => linked.abort(new Error(`no answer within ${timeoutMs ?? 0} ms`));
  const timer = timeoutMs === null ? undefined : setTimeout(expire, timeoutMs);
  parent.addEventListener('abort', follow);
  if (parent.aborted) follow();
  try {
    return await work(linked.signal);
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', follow);
    linked.abort(WORK_DONE);
  }
}

const WORK_DONE = new Error('the work is done');
