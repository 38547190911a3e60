/**
 * What the heartbeats of a create say to its next attempt and to the workflow: which hosts could not take it, and which
 * one began to make the machine. A create names one attempt at one place: what a host has begun no other host goes on with.
 */
import { fieldsOf } from '../untrusted.ts';

/** The host that began to make a machine, and the base name of the queues that serve it there. */
export interface TakenBy {
  host: string;
  queue: string;
}

/** A host that could not take the create, and the code of why. */
export interface HandedBack {
  host: string;
  code: string;
}

export interface CreateProgress {
  handedBack: HandedBack[];
  takenBy?: TakenBy;
}

export const NO_PROGRESS: CreateProgress = { handedBack: [] };

/** Heartbeat details have a limit; who handed back longest ago is forgotten. */
const MOST_HANDED_BACK = 50;

/** The progress in what a heartbeat or a failure carries; of hosts of before, and of damaged details, there is none. */
export function createProgressOf(details: unknown): CreateProgress {
  const { create } = fieldsOf(details);
  const { handedBack, takenBy } = fieldsOf(create);
  const hosts = Array.isArray(handedBack) ? handedBack.filter(isHandedBack) : [];
  if (!isTakenBy(takenBy)) return hosts.length === 0 ? NO_PROGRESS : { handedBack: hosts };
  return { handedBack: hosts, takenBy };
}

/** The same with one more host that could not take it; each host counts with its latest reason. */
export function withHandedBack(progress: CreateProgress, { host, code }: HandedBack): CreateProgress {
  const others = progress.handedBack.filter((one) => one.host !== host);
  return { ...progress, handedBack: [...others, { host, code }].slice(-MOST_HANDED_BACK) };
}

function isHandedBack(value: unknown): value is HandedBack {
  const { host, code } = fieldsOf(value);
  return typeof host === 'string' && typeof code === 'string';
}

function isTakenBy(value: unknown): value is TakenBy {
  const { host, queue } = fieldsOf(value);
  return typeof host === 'string' && typeof queue === 'string';
}
