import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { ACTIVITY_FAILURE, type AwaitReadyInput, type UsageReport } from '../../../domain/machine/activities.ts';
import { plainConsoleText } from '../../../domain/machine/console-text.ts';
import type { Machine, MachineProvider } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { Readiness } from '../../../domain/vm/spec.ts';
import type { ActivityContext } from '../../activity-context.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';
import { withLinkedSignal } from '../../../lib/waiting/linked-signal.ts';
import { endCauseOf, isAlive, takenAway } from '../machine-end.ts';
import { LinkClosedError } from './machine-links.ts';
import { openAssignment } from '../order/open-assignment.ts';
import { httpAnswers, tcpAnswers } from './port-probes.ts';
import { requireOwnMachine } from '../order/signed-start.ts';

const TRY_EVERY_MS = 250;
/** An agent without a channel is in a cloud, where each look is a call that counts against a budget. */
const ALIVE_CHECK_MS = { unix: 2000, http: 15_000 } as const;
const CONSOLE_TAIL_BYTES = 1000;

/**
 * Resolves when the machine has what was sealed for it, its startup script is done, and it is ready in the way its
 * spec names; with the agent's report where there is one. An agent that reports over HTTP makes the VM ready by its
 * report itself; then this only watches until the workflow cancels it. A machine that ends meanwhile is a failure of
 * type `bootFailed`, or of the cause for which the provider took it away; neither is tried again. Errors: `notSigned`
 * for a machine or a sealed input of another start.
 */
export async function awaitMachineReady(
  dependencies: MachineActivityDependencies,
  input: AwaitReadyInput,
  context: ActivityContext,
): Promise<UsageReport | null> {
  const { provider, links } = dependencies;
  const { machineId, silenceTimeoutSeconds, readiness } = input;
  const assignment = openAssignment(dependencies, input, context);
  const look: Look = { provider, input, workflowId: context.workflowId };
  const machine = await livingMachine(look, context.signal);
  links.open({ machineId, workflowId: machine.labels.owner, agent: machine.agent, silenceTimeoutSeconds });
  return withLinkedSignal(context.signal, null, async (signal) => {
    const watch = watchUntilEnded(look, ALIVE_CHECK_MS[machine.agent.kind], signal);
    if (input.waits !== undefined) {
      // Its workflow hears from the API that the agent has reported.
      if (machine.agent.kind === 'http') return watch;
      await Promise.race([watch, overLink(links.awaitAgent(machineId, signal), look, signal)]);
      return null;
    }
    if (assignment !== null && machine.agent.kind === 'unix') {
      await Promise.race([watch, overLink(links.assign(machineId, assignment, signal), look, signal)]);
    }
    if (readiness.kind !== 'agent') {
      await Promise.race([watch, untilAnswers(provider, input, signal)]);
      return links.takeLatest(machineId);
    }
    if (machine.agent.kind === 'http') return watch;
    return Promise.race([watch, overLink(links.awaitReady(machineId, signal), look, signal)]);
  });
}

/** A link closes when its machine has ended, which is then the failure; else the next attempt opens another link. */
async function overLink<Result>(answer: Promise<Result>, look: Look, signal: AbortSignal): Promise<Result> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof LinkClosedError)) throw error;
    await livingMachine(look, signal);
    throw ApplicationFailure.create({ message: error.message, type: 'linkDown' });
  }
}

/** Each look at the machine is a call of the provider, so it is looked at only until its address is known. */
async function untilAnswers(provider: MachineProvider, input: AwaitReadyInput, signal: AbortSignal): Promise<void> {
  const { machineId, readiness } = input;
  let machine: Machine | undefined;
  for (;;) {
    if (machine?.status !== 'running' || machine.address === null)
      machine = await provider.describe(machineId, { signal });
    if (machine?.status === 'running' && (await answers(machine, readiness, signal))) return;
    await pause(TRY_EVERY_MS, signal);
  }
}

async function answers(machine: Machine, readiness: Readiness, signal: AbortSignal): Promise<boolean> {
  if (readiness.kind === 'machine') return true;
  if (machine.address === null || readiness.port === null) return false;
  const { ip } = machine.address;
  const port = portAt(machine, readiness.port);
  return readiness.kind === 'tcp' ? tcpAnswers(ip, port) : httpAnswers(ip, port, readiness.path ?? '/', signal);
}

/** A machine that shares its address has other port numbers than its spec; with one port it is clear which. */
function portAt({ address }: Machine, port: number): number {
  const ports = address?.ports ?? [];
  const [only] = ports;
  if (ports.some((one) => one.port === port) || ports.length !== 1 || address?.ip !== '127.0.0.1') return port;
  return only?.port ?? port;
}

/** Never resolves: rejects when the machine has ended, or with the reason of the signal. */
async function watchUntilEnded(look: Look, everyMs: number, signal: AbortSignal): Promise<never> {
  for (;;) {
    await pause(everyMs, signal);
    try {
      await livingMachine(look, signal);
    } catch (error) {
      // A provider that cannot tell says nothing about the machine.
      if (!(error instanceof ProviderError) || error.terminal) throw error;
    }
  }
}

interface Look {
  provider: MachineProvider;
  input: AwaitReadyInput;
  /** Of the workflow that asks. */
  workflowId: string | undefined;
}

async function livingMachine({ provider, input, workflowId }: Look, signal: AbortSignal): Promise<Machine> {
  const { machineId, assign } = input;
  const machine = await provider.describe(machineId, { signal });
  const isKnown = machine !== undefined;
  if (isKnown) requireOwnMachine(machine, sealedOf(input), workflowId);
  if (isAlive(machine)) return machine;
  const cause = await endCauseOf(provider, machineId, { signal });
  if (cause !== undefined) throw takenAway(machineId, cause);
  // What a startup script printed may be secret, and this message stays in a history.
  if (assign !== undefined || !isKnown) throw ended('; read its console');
  const tail = await provider
    .readConsole(machineId, { maxBytes: CONSOLE_TAIL_BYTES }, { signal })
    .catch(() => undefined);
  const consoleEnd = plainConsoleText(new TextDecoder().decode(tail)).trim();
  throw ended(consoleEnd === '' ? '' : `; its console ends: ${consoleEnd}`);
}

function sealedOf({ assign, waits }: AwaitReadyInput): { signature: string | undefined } | null {
  if (waits !== undefined) return waits;
  return assign === undefined ? null : { signature: assign.signature };
}

function ended(more: string): ApplicationFailure {
  const message = `the machine ended before it was ready${more}`;
  return ApplicationFailure.create({ type: ACTIVITY_FAILURE.bootFailed, message, nonRetryable: true });
}

/** Sleeps, or rejects with the reason of the signal itself: a cancellation must stay one. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
