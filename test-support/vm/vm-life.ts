/** Builders and a clock for tests of the pure domain: the same discipline as the workflow, without Temporal. */
import { nextDeadline } from '../../domain/vm/deadlines.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import { next } from '../../domain/vm/next.ts';
import type { VmEvent, VmEventKind } from '../../domain/vm/events.ts';
import type { IdlePolicy, Readiness, VmSpec } from '../../domain/vm/spec.ts';
import { isServing, newVm, type Draining, type EndReason, type Running, type Vm } from '../../domain/vm/state.ts';

export const START = Date.UTC(2026, 0, 1);
export const MACHINE_ID = 'm-current';
export const MACHINE: MachineFacts = {
  machineId: MACHINE_ID,
  provider: 'local',
  host: 'host-1',
  zone: null,
  address: { ip: '127.0.3.7', ports: [{ name: 'http', port: 8080, protocol: 'tcp' }] },
};

export interface SpecChoices extends Partial<Omit<VmSpec, 'idle' | 'readiness'>> {
  idle?: Partial<IdlePolicy>;
  readiness?: Partial<Readiness>;
}

/** A spec with an agent: idle after 100 s, free when nobody joins for 200 s, silent after 300 s, gone after 10,000 s. */
export function specOf(choices: SpecChoices = {}): VmSpec {
  const { idle, readiness, ...rest } = choices;
  return {
    template: null,
    provider: 'local',
    image: 'vm-server',
    zones: [],
    cpus: 1,
    memoryMb: 512,
    diskGb: null,
    machineType: null,
    network: null,
    externalIp: false,
    spot: false,
    egress: false,
    labels: {},
    env: {},
    ports: [],
    softLifetimeSeconds: null,
    maxLifetimeSeconds: 10_000,
    onLost: 'destroy',
    ...rest,
    readiness: { kind: 'agent', port: null, path: null, timeoutSeconds: 120, ...readiness },
    idle: {
      timeoutSeconds: 100,
      firstConnectTimeoutSeconds: 200,
      silenceTimeoutSeconds: 300,
      action: 'destroy',
      ...idle,
    },
  };
}

export function createdVm(choices: SpecChoices = {}): Vm {
  return newVm({
    project: 'default',
    name: 'lobby',
    uid: 'u-1',
    machineId: MACHINE_ID,
    spec: specOf(choices),
    at: START,
  });
}

type EventOf<Kind extends VmEventKind> = Extract<VmEvent, { kind: Kind }>;
type Given<Kind extends VmEventKind> = Partial<Omit<EventOf<Kind>, 'kind' | 'at'>>;

/** Defaults of every event's own fields, so that a test names only what it is about. */
const DEFAULTS: { [Kind in VmEventKind]: Omit<EventOf<Kind>, 'kind' | 'at'> } = {
  machineCreated: { machine: MACHINE },
  placeLost: { machineId: MACHINE_ID, nextMachineId: 'm-next', detail: 'host rack-1 could not finish it' },
  createFailed: { detail: 'no such image' },
  machineReady: { machineId: MACHINE_ID, usage: null },
  notReady: { machineId: MACHINE_ID, detail: 'the app did not answer' },
  report: { machineId: MACHINE_ID, sequence: 1, connections: 0, sentAt: 0 },
  assigned: { machineId: MACHINE_ID },
  connections: { connections: 0 },
  confirmAnswered: { machineId: MACHINE_ID, sequence: 1, connections: 0 },
  confirmUnanswered: { machineId: MACHINE_ID },
  confirmByReport: { machineId: MACHINE_ID },
  probed: { machineId: MACHINE_ID, alive: true },
  machineLost: { machineId: MACHINE_ID },
  hostLost: { machineId: MACHINE_ID, nextMachineId: 'm-next' },
  drain: {},
  undrain: {},
  takenBack: { uid: 'u-1', claim: 'c-1' },
  rollOver: { below: 2, revision: 1 },
  drainingNotified: { draining: true },
  hold: { seconds: 0 },
  holdOver: {},
  stopRequested: {},
  startRequested: {},
  closeRequested: {},
  snapshotRequested: {},
  imageKept: { machineId: MACHINE_ID, name: 'lobby-1' },
  imageFailed: { machineId: MACHINE_ID, detail: 'diskFull: no room' },
  suspendRequested: {},
  resumeRequested: {},
  machineSuspended: { machineId: MACHINE_ID },
  suspendFailed: { machineId: MACHINE_ID, detail: 'it has a local SSD' },
  machineStopped: { machineId: MACHINE_ID },
  machineStarted: { machine: MACHINE },
  startFailed: { machineId: MACHINE_ID, detail: 'it did not come up' },
  machineMissing: { machineId: MACHINE_ID },
  exchanged: { machineId: MACHINE_ID, nonce: 'n-1' },
  destroyRequested: {},
  destroyForced: {},
  cancelled: {},
  deadline: {},
  machineGone: { machineId: MACHINE_ID, nextMachineId: 'm-next' },
};

/** An event `seconds` after the start. A report is sent when it happens unless `sentAt` says otherwise. */
export function eventAt<Kind extends VmEventKind>(seconds: number, kind: Kind, given: Given<Kind> = {}): VmEvent {
  const at = START + seconds * 1000;
  const sent = kind === 'report' ? { sentAt: at } : {};
  return { at, kind, ...DEFAULTS[kind], ...sent, ...given } as VmEvent;
}

/** Lets time pass up to `until` (epoch ms) and fires each deadline when it is due, as the workflow does. */
export function letTimePass(vm: Vm, until: number): Vm {
  let now = vm;
  for (let fired = 0; fired < 10_000; fired += 1) {
    const due = nextDeadline(now);
    if (due === null || due.at > until) return now;
    now = next(now, { kind: 'deadline', at: Math.max(due.at, now.updatedAt) });
  }
  throw new Error('the deadlines of this VM never come to an end');
}

/** A VM that lives on a clock: what happens to it is given in seconds since its start. */
export class Life {
  vm: Vm;

  constructor(choices: SpecChoices = {}) {
    this.vm = createdVm(choices);
  }

  /** The machine is made at 1 s and ready at 10 s; with an agent its first report says 0 connections. */
  static ready(choices: SpecChoices = {}): Life {
    const life = new Life(choices).at(1, 'machineCreated');
    const usage = life.vm.spec.readiness.kind === 'agent' ? { sequence: 1, connections: 0 } : null;
    return life.at(10, 'machineReady', { usage });
  }

  /** Fires what is due before, then records the event. */
  at<Kind extends VmEventKind>(seconds: number, kind: Kind, given: Given<Kind> = {}): this {
    const event = eventAt(seconds, kind, given);
    this.vm = next(letTimePass(this.vm, event.at), event);
    return this;
  }

  /** Nothing happens until then. */
  until(seconds: number): this {
    this.vm = letTimePass(this.vm, START + seconds * 1000);
    return this;
  }

  get state(): Vm['state']['name'] {
    return this.vm.state.name;
  }

  /** The state as one that serves users; fails when it is none. */
  get serving(): Running | Draining {
    if (!isServing(this.vm.state)) throw new Error(`expected a VM that serves, got ${this.vm.state.name}`);
    return this.vm.state;
  }

  get reason(): EndReason | undefined {
    return 'reason' in this.vm.state ? this.vm.state.reason : undefined;
  }

  /** Seconds since the start at which the present state began. */
  get since(): number {
    return (this.vm.state.since - START) / 1000;
  }

  /** The next deadline as `kind` and seconds since the start. */
  get due(): [string, number] | null {
    const due = nextDeadline(this.vm);
    return due === null ? null : [due.kind, (due.at - START) / 1000];
  }
}

/** The same life of a VM whose name nobody chose. */
export function unnamed(life: Life): Life {
  life.vm = { ...life.vm, unnamed: true };
  return life;
}
