/**
 * The fence of a state directory: looks each half second whether the lease that the worker renews is over, and then stops
 * the machines, whether or not a worker lives. It ends when there is nothing left to watch.
 */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustStop, type FenceLook } from '../../../domain/host/fence.ts';
import { isAlive } from '../../../lib/processes/process-identity.ts';
import { secondsSinceBoot } from '../../../lib/processes/seconds-since-boot.ts';
import { readLeaseNote, type LeaseNote } from './lease-file.ts';
import { liveMachines, stopMachines } from './stop-machines.ts';

const LOOK_MS = 500;
/** Looks between two at what there is to watch. */
const IDLE_LOOKS = 10;
const CONNECT_MS = 1000;
const NOTICED_SLEEP_SECONDS = 1;

export interface FenceOptions {
  stateDir: string;
  log: (text: string) => void;
  signal: AbortSignal;
}

/** Resolves when neither a worker nor a machine of the state directory lives. */
export async function runFence({ stateDir, log, signal }: FenceOptions): Promise<void> {
  const temporal = new OwnTemporal();
  let note: LeaseNote | undefined;
  for (let looks = 0; !signal.aborted; looks += 1) {
    note = (await readLeaseNote(stateDir)) ?? note;
    if (note !== undefined && mustStop(await lookAt(note, temporal))) {
      const stopped = await stopMachines(stateDir);
      if (stopped > 0) log(`the lease of this host is over: ${stopped} machines were stopped`);
    }
    if (looks % IDLE_LOOKS === IDLE_LOOKS - 1 && !(await hasWork(stateDir, note))) return;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function lookAt(note: LeaseNote, temporal: OwnTemporal): Promise<FenceLook> {
  const { stopAt, lostSeconds, temporalPort } = note;
  temporal.noticeSleep();
  const isDue = stopAt !== null && secondsSinceBoot() >= stopAt;
  const state = temporalPort === null ? 'elsewhere' : isDue ? await temporal.look(temporalPort) : 'up';
  return {
    stopAt,
    lostSeconds,
    now: secondsSinceBoot(),
    temporal: state,
    downAt: temporalPort === null ? null : temporal.downAt,
  };
}

async function hasWork(stateDir: string, note: LeaseNote | undefined): Promise<boolean> {
  if (!existsSync(stateDir)) return false;
  if (note !== undefined && (await isAlive(note.worker))) return true;
  return (await liveMachines(stateDir).catch(() => [])).length > 0;
}

/** A Temporal server on this very computer: while it is down, or the computer sleeps, nobody calls anything lost. */
class OwnTemporal {
  /** Seconds since boot. What was before this process started is unknown, so the host gets its time to return. */
  downAt = secondsSinceBoot();
  #slept = sleptSeconds();

  noticeSleep(): void {
    const slept = sleptSeconds();
    if (slept - this.#slept > NOTICED_SLEEP_SECONDS) this.downAt = secondsSinceBoot();
    this.#slept = slept;
  }

  async look(port: number): Promise<'up' | 'down'> {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, timeout: CONNECT_MS });
      const settle = (answer: boolean) => (): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.once('connect', settle(true));
      // One that takes no connection in time is busy, not down.
      socket.once('timeout', settle(true));
      socket.once('error', settle(false));
    });
    if (!isUp) this.downAt = secondsSinceBoot();
    return isUp ? 'up' : 'down';
  }
}

/** What the computer has slept since its boot: one clock counts that, the other one does not. */
function sleptSeconds(): number {
  return secondsSinceBoot() - Number(process.hrtime.bigint()) / 1e9;
}
