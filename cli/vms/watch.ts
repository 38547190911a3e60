/** `ls --watch`: a table that changes on a terminal, a line for each change elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type Vm } from '../../client/ephemera.ts';
import type { Session } from '../context.ts';
import { listLines, note, print } from '../output/print.ts';
import { coloured, harmless } from '../output/text.ts';
import { SHOWN_VMS } from './shown-vm.ts';

/** Ages and deadlines go on also when nothing happens. */
const REDRAW_MS = 2000;
/** Changes come in crowds; one list shows them all. */
const CALM_MS = 200;
const HOME_AND_CLEAR = '\u001b[H\u001b[J';
const SHOW_SCREEN = { other: '\u001b[?1049h\u001b[?25l', own: '\u001b[?25h\u001b[?1049l' } as const;

export async function watchVms(session: Session, read: () => Promise<Vm[]>): Promise<void> {
  if (process.stdout.isTTY && session.format !== 'json' && session.format !== 'yaml') await watchTable(session, read);
  else await watchLines(session, read);
}

async function watchTable(session: Session, read: () => Promise<Vm[]>): Promise<void> {
  const changes = new Changes(session);
  process.stdout.write(SHOW_SCREEN.other);
  try {
    let vms: Vm[] = [];
    let trouble = '';
    while (!session.signal.aborted) {
      try {
        vms = await read();
        trouble = '';
      } catch (error) {
        if (isFinal(error)) throw error;
        trouble = coloured(harmless(error instanceof Error ? error.message : String(error)), 'red');
      }
      const lines = vms.length === 0 ? [SHOWN_VMS.none] : listLines(vms, SHOWN_VMS, session.format);
      const room = Math.max(1, process.stdout.rows - 2);
      const more = lines.length > room ? [coloured(`… and ${lines.length - room} more`, 'dim')] : [];
      const head = `${session.deployment.url}  ${new Date().toLocaleTimeString()}  ${trouble || coloured('Ctrl-C ends', 'dim')}`;
      process.stdout.write(HOME_AND_CLEAR + [head, ...lines.slice(0, room), ...more].join('\n'));
      await changes.next(REDRAW_MS);
    }
  } finally {
    process.stdout.write(SHOW_SCREEN.own);
    changes.stop();
  }
  session.signal.throwIfAborted();
}

/** Each VM first, then whatever changed, as soon as it is seen; one that is listed no more comes a last time. */
async function watchLines(session: Session, read: () => Promise<Vm[]>): Promise<void> {
  const changes = new Changes(session);
  const seen = new Map<string, Vm>();
  try {
    for (let isFirst = true; !session.signal.aborted; isFirst = false) {
      const vms = await read().catch((error: unknown) => {
        if (isFinal(error) || isFirst || session.signal.aborted) throw error;
        note(error instanceof Error ? error.message : String(error));
        return undefined;
      });
      if (vms !== undefined) {
        const changed = vms.filter(({ uid, updatedAt }) => seen.get(uid)?.updatedAt !== updatedAt);
        const gone = await lastOf(
          session,
          [...seen.values()].filter((one) => !vms.some(({ uid }) => uid === one.uid)),
        );
        for (const vm of changed) seen.set(vm.uid, vm);
        for (const { uid } of gone) seen.delete(uid);
        printChanged([...changed, ...gone], session, isFirst);
      }
      await changes.next(REDRAW_MS);
    }
  } finally {
    changes.stop();
  }
  session.signal.throwIfAborted();
}

/** VMs that are listed no more, as they are now; as they were where the name has another life by now. */
function lastOf({ ephemera }: Session, vms: readonly Vm[]): Promise<Vm[]> {
  return Promise.all(
    vms.map(async (vm) => {
      const now = await ephemera.vms.get(vm.name).catch(() => vm);
      return now.uid === vm.uid ? now : { ...vm, state: 'destroyed' as const };
    }),
  );
}

function printChanged(vms: readonly Vm[], { format }: Session, isFirst: boolean): void {
  if (format === 'json' || format === 'yaml') for (const vm of vms) print(JSON.stringify(vm));
  else if (format === 'name') for (const { name } of vms) print(name);
  else for (const line of listLines(vms, SHOWN_VMS, format).slice(isFirst ? 0 : 1)) print(line);
}

function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500 && error.status !== 429;
}

/** Live events, where the API has them; they say only when to look. */
class Changes {
  private readonly stopped = new AbortController();
  private isChanged = false;
  private wake: () => void = () => undefined;
  private readonly signal: AbortSignal;

  constructor({ ephemera, signal }: Session) {
    this.signal = signal;
    const both = AbortSignal.any([signal, this.stopped.signal]);
    signal.addEventListener('abort', () => this.wake(), { once: true });
    void (async () => {
      const events = ephemera.events({ signal: both });
      while (!(await events.next()).done) this.tell();
    })().catch(() => undefined);
  }

  /** Resolves at the next change, and after a while without any. */
  async next(withinMs: number): Promise<void> {
    if (!this.isChanged && !this.signal.aborted) {
      const timer = setTimeout(() => this.wake(), withinMs);
      await new Promise<void>((resolve) => (this.wake = resolve));
      clearTimeout(timer);
    }
    if (this.isChanged) await sleep(CALM_MS);
    this.isChanged = false;
  }

  stop(): void {
    this.stopped.abort();
  }

  private tell(): void {
    this.isChanged = true;
    this.wake();
  }
}
