/**
 * One state of the handover model: two clients whose requests go through the API, a pool with one warm machine, the
 * workflows of that machine and of the two VMs, the host with the machine, and messages on their way. Plain data; a step
 * copies it and changes the copy.
 */
import type { Grant } from '../../domain/pool/claims.ts';
import type { Adoption, Asker, Warm } from '../../domain/pool/handover.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import type { Budget } from './rules.ts';

/** Of a client, its request and its VM. */
export type Index = 0 | 1;
export const BOTH: readonly Index[] = [0, 1];

export const MACHINE_ID = 'm-warm';
export const MACHINE: MachineFacts = {
  ...{ machineId: MACHINE_ID, provider: 'local', host: 'host', zone: null, address: null },
};

export type Message =
  | { kind: 'claim'; of: Index }
  | { kind: 'grant'; of: Index; machineId: string | null }
  | { kind: 'granted'; of: Index }
  | { kind: 'asked'; of: Index }
  | { kind: 'offered'; of: Index }
  | { kind: 'refused'; of: Index }
  | { kind: 'taken'; of: Index }
  | { kind: 'returned'; of: Index };

/** `died`: its replica did, and the client has not asked again. */
export type Request = 'new' | 'claiming' | 'answered' | 'died';

export interface ModelVm {
  /** Null where it was to make a machine of its own from the start. */
  adoption: Adoption | null;
  /** `ending`: somebody wants it gone; `closed`: it has ended, or was terminated. */
  life: 'runs' | 'ending' | 'closed';
  /** It has a machine of its own, or serves with the warm one. */
  serves: 'no' | 'own' | 'warm';
}

/** What a worker has begun for a VM; of one that was given up nobody hears. */
export interface Attempt {
  of: Index;
  step: 'begun' | 'written' | 'refused';
  givenUp: boolean;
}

export interface State {
  requests: [Request, Request];
  pool: { ready: readonly string[]; grants: readonly Grant[] };
  warm: Warm;
  terminated: boolean;
  vms: [ModelVm | null, ModelVm | null];
  /** Null once it is gone. */
  machine: { owner: 'warm' | Index; assigned: Index | null } | null;
  attempts: Attempt[];
  /** The owner that a sweep has read, before it asks for it. */
  sweeping: 'warm' | Index | null;
  messages: Message[];
  left: Budget;
}

export function initialState(left: Budget): State {
  return {
    requests: ['new', 'new'],
    pool: { ready: [MACHINE_ID], grants: [] },
    warm: { name: 'ready', machine: MACHINE, until: 0 },
    terminated: false,
    vms: [null, null],
    machine: { owner: 'warm', assigned: null },
    ...{ attempts: [], sweeping: null, messages: [], left },
  };
}

export function copyOf(state: State): State {
  const [one, other] = state.vms;
  return {
    ...state,
    requests: [...state.requests],
    vms: [one && { ...one }, other && { ...other }],
    machine: state.machine && { ...state.machine },
    attempts: state.attempts.map((attempt) => ({ ...attempt })),
    messages: [...state.messages],
    left: { ...state.left },
  };
}

export function askerOf(of: Index): Asker {
  return { workflowId: `vm/default/v${of}`, runId: `run-${of}` };
}

export function indexOf({ workflowId }: Asker): Index {
  return workflowId.endsWith('0') ? 0 : 1;
}

/** The same for states that behave alike: the clients are alike, so are messages in any order. */
export function keyOf(state: State): string {
  const [one, other] = [keyFrom(state, 0), keyFrom(state, 1)];
  return one < other ? one : other;
}

/** `first`: the client that is named 0. */
function keyFrom(state: State, first: Index): string {
  const name = (of: Index): number => (of === first ? 0 : 1);
  const { warm, machine, sweeping, pool, left } = state;
  const owner = (of: 'warm' | Index | null): string => (typeof of === 'number' ? String(name(of)) : (of ?? '-'));
  let key = `${warm.name}${warm.name === 'destroying' && warm.why === 'returned' ? 'r' : ''}${'to' in warm ? name(indexOf(warm.to)) : ''}${state.terminated ? 't' : ''}`;
  key += `|${pool.ready.length}${pool.grants.map(({ request }) => name(Number(request) as Index)).join('')}`;
  for (const of of first === 0 ? BOTH : [1 as const, 0 as const]) {
    const vm = state.vms[of];
    key += `|${state.requests[of]}`;
    if (vm === null) continue;
    const { adoption, life, serves } = vm;
    key += `${adoption?.name ?? '-'}${adoption?.name === 'returned' && adoption.machine ? 'm' : ''}${life}${serves}`;
  }
  key += `|${machine === null ? 'x' : `${owner(machine.owner)}${owner(machine.assigned)}`}${owner(sweeping)}`;
  key += `|${sorted(state.attempts.map(({ of, step, givenUp }) => `${name(of)}${step}${givenUp ? '!' : ''}`))}`;
  key += `|${sorted(state.messages.map((one) => `${one.kind}${name(one.of)}${'machineId' in one && one.machineId ? 'm' : ''}`))}`;
  return `${key}|${Object.values(left).join('')}`;
}

function sorted(texts: string[]): string {
  return texts.sort().join();
}
