/** Waits for a VM, through restarts of the API and cuts of the network, until the caller's time is up. */
import type { components } from './api-types.ts';
import { ApiError, ApiUnreachable, VmEnded, WaitTimeout } from './errors.ts';
import { sleep } from './http.ts';

export type Vm = components['schemas']['Vm'];

/** What is waited for: a state, or any condition. `ended` is `destroyed` or `failed`. */
export type WaitGoal = 'ready' | 'stopped' | 'suspended' | 'ended' | ((vm: Vm) => boolean);

export interface WaitOptions {
  /** Default: 60. */
  timeoutSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told of the VM whenever it is seen changed, and first of all. */
  onChange?: ((vm: Vm) => void) | undefined;
  /** Told when the API does not answer; the wait goes on. */
  onCut?: ((error: Error) => void) | undefined;
}

export interface Waited {
  name: string;
  goal: WaitGoal;
  /** As the caller saw it last; anything older is left aside, and another life of the name is not waited for. */
  seen?: Vm | undefined;
  read: (signal: AbortSignal | undefined) => Promise<Vm>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
/** A look that is under way when the time is up is given up after this. */
const LAST_LOOK_MS = 1000;
const ENDED: readonly string[] = ['destroyed', 'failed'];
const DEFAULT_TIMEOUT_SECONDS = 60;

/**
 * Resolves with the VM once it is as wished.
 * @throws VmEnded when it will not be by itself; WaitTimeout; ApiError for what asking again does not change.
 */
export async function waitFor(waited: Waited, options: WaitOptions = {}): Promise<Vm> {
  const { timeoutSeconds = DEFAULT_TIMEOUT_SECONDS, signal } = options;
  const over = new AbortController();
  const leave = (): void => over.abort(signal?.reason);
  if (signal?.aborted) leave();
  else signal?.addEventListener('abort', leave, { once: true });
  const timer = setTimeout(() => over.abort(TIME_IS_UP), timeoutSeconds * 1000 + LAST_LOOK_MS);
  try {
    return await waitUntil(waited, { ...options, timeoutSeconds, signal: over.signal });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
  }
}

const TIME_IS_UP = new Error('the time of the wait is up');

async function waitUntil(
  { name, goal, seen, read }: Waited,
  { timeoutSeconds, signal, onChange, onCut }: WaitOptions & { timeoutSeconds: number },
): Promise<Vm> {
  const until = performance.now() + timeoutSeconds * 1000;
  let last = seen;
  if (last !== undefined) {
    onChange?.(last);
    if (isReached(last, goal)) return last;
  }
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS)) {
    const found = await read(signal).catch((error: unknown) => {
      if (error === TIME_IS_UP) throw new WaitTimeout(name, nameOf(goal), timeoutSeconds, last);
      return notNow(error, goal, last, onCut);
    });
    if (found !== undefined && !isOlder(found, last)) {
      const now = last === undefined || found.uid === last.uid ? found : endedAs(last);
      if (now.updatedAt !== last?.updatedAt || now.state !== last.state) onChange?.(now);
      last = now;
      if (isReached(now, goal)) return now;
      if (isHopeless(now, goal)) throw new VmEnded(now, nameOf(goal));
    }
    if (performance.now() >= until) throw new WaitTimeout(name, nameOf(goal), timeoutSeconds, last);
    await sleep(Math.min(pauseMs, Math.max(0, until - performance.now())), signal);
  }
}

/** Undefined: ask again. */
function notNow(error: unknown, goal: WaitGoal, last: Vm | undefined, onCut: WaitOptions['onCut']): Vm | undefined {
  // Ended VMs are forgotten after a while.
  if (error instanceof ApiError && error.status === 404 && last !== undefined) {
    if (goal === 'ended') return endedAs(last);
    throw error;
  }
  const passes = error instanceof ApiError && (error.status === 429 || error.status >= 500);
  if (!passes && !(error instanceof ApiUnreachable)) throw error;
  onCut?.(error);
  return undefined;
}

/** The life that was waited for is over when the name has another one, or none. */
function endedAs(last: Vm): Vm {
  return ENDED.includes(last.state) ? last : { ...last, state: 'destroyed' };
}

/** Another replica may show a VM as it was a second ago. */
function isOlder(found: Vm, last: Vm | undefined): boolean {
  return last !== undefined && found.uid === last.uid && Date.parse(found.updatedAt) < Date.parse(last.updatedAt);
}

function isReached(vm: Vm, goal: WaitGoal): boolean {
  if (typeof goal === 'function') return goal(vm);
  if (goal === 'ready') return vm.state === 'running' || vm.state === 'draining';
  return goal === 'ended' ? ENDED.includes(vm.state) : vm.state === goal;
}

function isHopeless(vm: Vm, goal: WaitGoal): boolean {
  if (vm.state === 'destroying') return goal !== 'ended' && typeof goal !== 'function';
  if (ENDED.includes(vm.state)) return true;
  return goal === 'ready' && (vm.state === 'stopped' || vm.state === 'suspended');
}

function nameOf(goal: WaitGoal): string {
  return typeof goal === 'function' ? 'as wished' : goal;
}
