/** A host's side of the placement model: its worker's attempts, its machines, its sweep and its return. */
import { Violation } from '../exploration.ts';
import { deliver, isClosed, isReachable, machineLost } from './server.ts';
import type { Budget, Rules } from './rules.ts';
import {
  currentMachine,
  isCurrent,
  machineNumber,
  type Execution,
  type HostIndex,
  type Outcome,
  type State,
} from './state.ts';

/** One thing that a worker may do next. `spends`: what of the budget it takes. */
export interface HostStep {
  label: string;
  spends?: keyof Budget;
  run: (state: State) => void;
}

/** A worker takes the task if it polls the queue on which it waits. */
export function takes(state: State, host: HostIndex, rules: Rules): HostStep[] {
  const { task } = state;
  if (task === null || task.started !== null || !isReachable(state, host)) return [];
  if (task.queue !== null && task.queue !== host) return [];
  const what = `the ${task.kind} of m-${task.machine}`;
  const take = (changed: State): Execution => {
    const attempt = changed.nextAttempt;
    changed.nextAttempt += 1;
    changed.task!.started = { attempt, host, age: 0 };
    const execution: Execution = { kind: task.kind, machine: task.machine, attempt, step: 'begun', says: null };
    changed.hosts[host].executions.push(execution);
    return execution;
  };
  if (task.kind !== 'create') return [{ label: `host ${host} takes ${what}`, run: (changed) => void take(changed) }];
  if (state.hosts[host].mode !== 'polls') return [];
  // With an outdated lease it hands back what it is given, which changes nothing.
  if (rules.checksLeaseBeforeCreate && state.hosts[host].leaseAge >= rules.clocks.heartbeat) return [];
  const begin = (changed: State): void => {
    refuseWorkBeforeReconcile(changed, host);
    take(changed);
  };
  return [
    {
      label: `host ${host} takes ${what}`,
      run: (changed) => {
        begin(changed);
        changed.task!.takenBy = host;
      },
    },
    { label: `host ${host} takes ${what}, and its first heartbeat does not arrive`, spends: 'lost', run: begin },
    {
      label: `host ${host} takes ${what}, and has no room`,
      spends: 'handBacks',
      run: (changed) => end(changed, host, take(changed), 'handedBack', rules),
    },
  ];
}

function refuseWorkBeforeReconcile(state: State, host: HostIndex): void {
  if (!state.registry[host].owesReconcile) return;
  const current = isClosed(state.vm) ? null : currentMachine(state);
  const orphan = state.hosts[host].machines.find(({ machine }) => machine !== current);
  if (orphan === undefined) return;
  throw new Violation(`host ${host} takes work beside the orphan m-${orphan.machine}, before it has reconciled`);
}

/** What the attempts of a worker may do next; a worker that is stopped does nothing. */
export function attemptSteps(state: State, host: HostIndex, rules: Rules): HostStep[] {
  const { worker, paused, executions } = state.hosts[host];
  if (worker !== 'up' || paused !== 'no') return [];
  return executions.flatMap((execution, at) => {
    const stale = isCurrent(state, execution.attempt) ? '' : ' (an attempt that was given up)';
    return stepsOf(state, host, execution, rules).map(({ label, run, ...rest }): HostStep => ({
      ...rest,
      label: `host ${host} ${label} m-${execution.machine}${stale}`,
      run: (changed) => run(changed, changed.hosts[host].executions[at]!),
    }));
  });
}

interface AttemptStep extends Omit<HostStep, 'run'> {
  run: (state: State, execution: Execution) => void;
}

function stepsOf(state: State, host: HostIndex, execution: Execution, rules: Rules): AttemptStep[] {
  const connected = isReachable(state, host);
  const isStale = !isCurrent(state, execution.attempt);
  if (execution.says !== null) return connected ? answers(host, execution.says, 'answers for', rules) : [];
  if (execution.step === 'acknowledged') return [{ label: 'undoes, too late,', run: undoLate(host, rules) }];
  const steps = execution.kind === 'create' ? createSteps(host, execution, connected, rules) : [];
  if (execution.kind === 'ready') steps.push(assign(host, connected, rules));
  if (execution.kind === 'destroy') steps.push(destroyHere(host, connected, rules));
  if (connected && isStale) steps.push({ label: 'hears that nobody waits for', run: drop(host, rules) });
  if (connected && !isStale && state.task?.cancelRequested) steps.push(cancelled(host, rules));
  return steps;
}

function createSteps(host: HostIndex, { step }: Execution, connected: boolean, rules: Rules): AttemptStep[] {
  if (step === 'begun') return [{ label: 'makes', run: make(host) }];
  if (!connected) return [];
  const fail: AttemptStep = { label: 'fails after it made', spends: 'failures', run: failMade(host, rules) };
  return [...answers(host, 'completed', 'has made', rules), fail];
}

/** An answer arrives, or takes its time, or is lost. */
function answers(host: HostIndex, outcome: Outcome, label: string, rules: Rules): AttemptStep[] {
  return [
    { label, run: (state, execution) => end(state, host, execution, outcome, rules) },
    {
      label: `${label}, and the answer is late:`,
      spends: 'late',
      run: (state, execution) => {
        const { kind, machine, attempt } = execution;
        state.messages.push({ kind, machine, attempt, host, outcome });
        forgetExecution(state, host, execution);
      },
    },
    {
      label: `${label}, and the answer is lost:`,
      spends: 'lost',
      run: (state, execution) => forgetExecution(state, host, execution),
    },
  ];
}

/** The attempt is over, and the server hears of it. */
function end(state: State, host: HostIndex, execution: Execution, outcome: Outcome, rules: Rules): void {
  forgetExecution(state, host, execution);
  const { kind, machine, attempt } = execution;
  deliver(state, { kind, machine, attempt, host, outcome }, rules);
}

function forgetExecution(state: State, host: HostIndex, execution: Execution): void {
  const { executions } = state.hosts[host];
  executions.splice(executions.indexOf(execution), 1);
}

function make(host: HostIndex): AttemptStep['run'] {
  return (state, execution) => {
    const { machines, tombstones } = state.hosts[host];
    if (tombstones.includes(execution.machine)) {
      execution.says = 'failed';
      return;
    }
    execution.step = 'made';
    const isThere = machines.some(({ machine }) => machine === execution.machine);
    if (!isThere) machines.push({ machine: execution.machine, state: 'made' });
  };
}

/** What was made is destroyed before anybody else is asked; its id may not be used again where it was destroyed. */
function failMade(host: HostIndex, rules: Rules): AttemptStep['run'] {
  return (state, execution) => {
    if (rules.handsBackNothingMade) remove(state, host, execution.machine, rules);
    const asksNewId = rules.undoneAsksNewId && rules.handsBackNothingMade;
    end(state, host, execution, asksNewId ? 'placeLost' : 'handedBack', rules);
  };
}

/** The answer to a heartbeat says that the attempt is not the one that the server waits for. */
function drop(host: HostIndex, rules: Rules): AttemptStep['run'] {
  return (state, execution) => {
    if (execution.kind === 'create') remove(state, host, execution.machine, rules);
    forgetExecution(state, host, execution);
  };
}

function cancelled(host: HostIndex, rules: Rules): AttemptStep {
  return {
    label: 'hears of the cancel of',
    run: (state, execution) => {
      if (rules.undoesBeforeCancelAck) {
        remove(state, host, execution.machine, rules);
        end(state, host, execution, 'cancelled', rules);
        return;
      }
      const { kind, machine, attempt } = execution;
      execution.step = 'acknowledged';
      deliver(state, { kind, machine, attempt, host, outcome: 'cancelled' }, rules);
    },
  };
}

function undoLate(host: HostIndex, rules: Rules): AttemptStep['run'] {
  return (state, execution) => {
    remove(state, host, execution.machine, rules);
    forgetExecution(state, host, execution);
  };
}

function assign(host: HostIndex, connected: boolean, rules: Rules): AttemptStep {
  return {
    label: 'lets users in to',
    run: (state, execution) => {
      const found = state.hosts[host].machines.find(({ machine }) => machine === execution.machine);
      if (found) found.state = 'admits';
      execution.says = found ? 'completed' : 'failed';
      if (connected) end(state, host, execution, execution.says, rules);
    },
  };
}

function destroyHere(host: HostIndex, connected: boolean, rules: Rules): AttemptStep {
  return {
    label: 'destroys',
    run: (state, execution) => {
      remove(state, host, execution.machine, rules);
      execution.says = 'completed';
      if (connected) end(state, host, execution, 'completed', rules);
    },
  };
}

function remove(state: State, host: HostIndex, machine: number, rules: Rules): void {
  const here = state.hosts[host];
  here.machines = here.machines.filter((one) => one.machine !== machine);
  if (rules.keepsTombstones && !here.tombstones.includes(machine)) here.tombstones.push(machine);
}

/** Lists the host's machines: orphans are destroyed, a VM whose machine is gone is notified. */
export function sweep(state: State, host: HostIndex, rules: Rules): void {
  for (const machine of orphansOn(state, host, rules)) remove(state, host, machine, rules);
  if (missesItsMachine(state, host, rules))
    machineLost(state, currentMachine(state)!, rules.asksTheRightHost ? undefined : 'hostLost', rules);
}

export function findsSomething(state: State, host: HostIndex, rules: Rules): boolean {
  return orphansOn(state, host, rules).length > 0 || missesItsMachine(state, host, rules);
}

function orphansOn({ hosts, vm }: State, host: HostIndex, { sweepsMovedOn }: Rules): number[] {
  const machines = hosts[host].machines.map(({ machine }) => machine);
  if (isClosed(vm)) return machines;
  return sweepsMovedOn ? machines.filter((machine) => machine !== machineNumber(vm!.machineId)) : [];
}

function missesItsMachine(state: State, host: HostIndex, { asksTheRightHost }: Rules): boolean {
  const name = state.vm?.state.name;
  if (name !== 'booting' && name !== 'running') return false;
  if (state.place !== host && asksTheRightHost) return false;
  return !state.hosts[host].machines.some(({ machine }) => machine === currentMachine(state));
}
