/** The steps in which a warm machine becomes a VM, and a kill of one part of the deployment in each. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFailed } from 'vitest';
import type { temporal } from '@temporalio/proto';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { eventually, seeVm, type Part } from '../stack.ts';
import { withKey, type PoolScene } from './pool-scene.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

const isAsked = (signalName: string) => (event: HistoryEvent) =>
  event.signalExternalWorkflowExecutionInitiatedEventAttributes?.signalName === signalName;
const isScheduled = (activity: string) => (event: HistoryEvent) =>
  event.activityTaskScheduledEventAttributes?.activityType?.name === activity;

/** Of a handover, as the history of its VM shows them. */
const STEPS: Readonly<Record<string, (event: HistoryEvent) => boolean>> = {
  'the VM began': () => true,
  'the VM asked': isAsked('adopt'),
  'the machine was offered': (event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'adoptAnswer',
  'the host is to write it down': isScheduled('adoptMachine'),
  'the host wrote it down': (event) => Boolean(event.activityTaskCompletedEventAttributes),
  'the VM said that it has it': isAsked('taken'),
  'the machine is to be told what it is': isScheduled('awaitMachineReady'),
};
/** A worker that was killed with a task in its hands costs up to ten seconds, on a busy computer more. */
const SLOW_MS = 90_000;
/** A claim that came while a worker was just starting may have got no answer in time. */
const isMadeAnew = isScheduled('createMachine');

/** The names of the steps in their order. */
export const HANDOVER_STEPS: readonly string[] = Object.keys(STEPS);

/** Kills the part when the step is seen; a handover that is faster than the eye is killed after it. */
async function killAt({ server, stack }: PoolScene, step: string, part: Part, workflowId: string): Promise<void> {
  await eventually(
    stack,
    step,
    async () => {
      const { events } = await server.client.workflow.getHandle(workflowId).fetchHistory();
      const isSeen = STEPS[step] ?? (() => false);
      return events?.some((event) => isSeen(event) || isMadeAnew(event)) === true ? true : undefined;
    },
    SLOW_MS,
  );
  await part.kill();
}

/** A create is claimed, the part dies at the step and comes back: the VM runs, with one machine, and nothing stays. */
export async function handOverWithKill(scene: PoolScene, step: string, part: Part): Promise<void> {
  const { stack, ownerOf, create } = scene;
  onTestFailed(async () => console.log(await stack.logs()));
  await scene.untilFull(3, SLOW_MS);
  const vm = `step-${randomUUID().slice(0, 8)}`;
  const workflowId = vmWorkflowId('default', vm);
  const headers = withKey();
  const first = create(headers, { name: vm }).catch(() => undefined);
  await killAt(scene, step, part, workflowId);
  await first;
  await part.start();
  expect(await create(headers, { name: vm })).toMatchObject({ name: vm });
  const { machineId } = await seeVm(stack, vm, 'running', ({ state }) => state === 'running');
  await eventually(stack, "one machine that is the VM's", async () => {
    const machineIds = await stack.machines();
    const owners = await Promise.all(machineIds.map(ownerOf));
    const own = machineIds.filter((_, at) => owners[at] === workflowId);
    return own.length === 1 && own[0] === machineId ? true : undefined;
  });
  await stack.call('DELETE', `/v1/vms/${vm}?wait=destroyed`);
  await eventually(stack, 'no machine of the VM', async () =>
    (await Promise.all((await stack.machines()).map(ownerOf))).includes(workflowId) ? undefined : true,
  );
}
