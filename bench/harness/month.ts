/**
 * A VM that is busy for a month, in simulated time: the forwarding rule decides over ten changes a second, the
 * transition function over what it lets through, and the deadline timer is as lazy as the workflow's.
 */
import { nextDeadline } from '../../domain/vm/deadlines.ts';
import { next } from '../../domain/vm/next.ts';
import { decideForward, firstMemory, type ForwardMemory } from '../../domain/agent/report-forwarding.ts';
import { newVm, type Vm } from '../../domain/vm/state.ts';
import { chatSpec } from './start-vm.ts';

const DAY_MS = 24 * 3600 * 1000;
const MACHINE_ID = 'm-month';
/** Scheduled, started, completed. */
const TASK_EVENTS = 3;
/** Search attributes and memo. */
const PUBLISH_EVENTS = 2;
/** The start of a run with its task, publish and timer. */
const RUN_START_EVENTS = 1 + TASK_EVENTS + PUBLISH_EVENTS + 1;

export interface Month {
  changes: number;
  signals: number;
  timersFired: number;
  /** Events of each run, were a run continued as new at `historyLimitEvents`. */
  eventsOfRuns: number[];
}

/** Lives through `days`; how many use the VM changes each `changeMs` and is never 0. */
export function liveThroughMonth(days: number, changeMs: number, historyLimitEvents: number): Month {
  let vm = runningVm(days);
  let memory: ForwardMemory | null = firstMemory({ sequence: 1, connections: 1 }, 0);
  let timerAt = nextDeadline(vm)?.at ?? Infinity;
  let events = RUN_START_EVENTS;
  const month: Month = { changes: 0, signals: 0, timersFired: 0, eventsOfRuns: [] };
  const advance = (added: number, before: Vm): void => {
    events += added + TASK_EVENTS + (vm.nextEntryNumber === before.nextEntryNumber ? 0 : PUBLISH_EVENTS);
    if (events < historyLimitEvents) return;
    month.eventsOfRuns.push(events + 1);
    events = RUN_START_EVENTS;
    timerAt = nextDeadline(vm)?.at ?? Infinity;
  };
  for (let now = changeMs; now < days * DAY_MS; now += changeMs) {
    month.changes += 1;
    const report = { sequence: month.changes + 1, connections: 1 + (month.changes % 97) };
    const { silenceTimeoutSeconds } = vm.spec.idle;
    const decision = decideForward({ memory, report, changedAt: now, now, silenceTimeoutSeconds, confirming: false });
    if (timerAt <= now) {
      const before = vm;
      month.timersFired += 1;
      vm = next(vm, { kind: 'deadline', at: now });
      timerAt = nextDeadline(vm)?.at ?? Infinity;
      advance(2, before);
    }
    if (decision.action === 'wait') continue;
    const before = vm;
    memory = decision.memory;
    month.signals += 1;
    vm = next(vm, { kind: 'report', machineId: MACHINE_ID, ...report, sentAt: now, at: now });
    advance(1, before);
  }
  month.eventsOfRuns.push(events);
  if (vm.state.name !== 'running') throw new Error(`the busy VM did not live through the month: ${vm.state.name}`);
  return month;
}

function runningVm(days: number): Vm {
  const spec = { ...chatSpec(), maxLifetimeSeconds: (days * DAY_MS) / 1000 };
  const created = newVm({ project: 'default', name: 'month', uid: 'month', machineId: MACHINE_ID, spec, at: 0 });
  const machine = { machineId: MACHINE_ID, provider: 'local', host: 'bench', zone: null, address: null };
  const booting = next(created, { kind: 'machineCreated', machine, at: 0 });
  const usage = { sequence: 1, connections: 1 };
  return next(booting, { kind: 'machineReady', machineId: MACHINE_ID, usage, at: 0 });
}
