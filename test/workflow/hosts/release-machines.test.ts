/** The VMs of a lost host hear that their machines are lost, however many they are: on a real server, page after page. */
import { randomUUID } from 'node:crypto';
import { defineSearchAttributeKey } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { releaseMachines, type HostLedger } from '../../../activities/control/registry-activities.ts';
import { MEMO, SEARCH_ATTRIBUTE, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import { inParallel } from '../../../lib/waiting/in-parallel.ts';
import { activityContext } from '../../../test-support/activity-context.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { temporalHostLedger } from '../../../worker/temporal/temporal-host-ledger.ts';

const PAGE = 20;
const PAGES = 4;
const QUEUE = `release-${randomUUID().slice(0, 8)}`;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** VMs as their workflows have published them; nobody works on their queue, so signals stay where they are counted. */
async function startVms(host: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `vm/default/${host}-${index}`);
  await inParallel(ids, 10, async (workflowId) => {
    const machineId = `m-${workflowId.slice(11)}`;
    await server.client.workflow.start(WORKFLOW_TYPE.vm, {
      ...{ workflowId, taskQueue: QUEUE, args: [{}] },
      memo: { [MEMO.vm]: { view: { machineId, state: 'running' } } },
      typedSearchAttributes: [{ key: defineSearchAttributeKey(SEARCH_ATTRIBUTE.host.name, 'KEYWORD'), value: host }],
    });
  });
  return ids;
}

/** The machines that a VM was told to have lost. */
async function toldTo(workflowId: string): Promise<string[]> {
  const { events } = await server.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    const data = signal?.input?.payloads?.[0]?.data;
    if (signal?.signalName !== 'machineLost' || data == null) return [];
    const { machineId, cause } = JSON.parse(Buffer.from(data).toString()) as { machineId: string; cause: string };
    return [`${machineId} ${cause}`];
  });
}

it('a lost host with more VMs than one answer has: each hears of it, though a try broke off and some end meanwhile', async () => {
  const [lost, other] = [`h-${randomUUID().slice(0, 8)}`, `h-${randomUUID().slice(0, 8)}`];
  const vms = await startVms(lost, PAGES * PAGE + 1);
  const others = await startVms(other, 3);
  const ledger = temporalHostLedger(server.client, QUEUE, PAGE);
  const listed = async (): Promise<number> => {
    let count = 0;
    for await (const vm of ledger.vmsOn(lost)) count += vm.workflowId.startsWith('vm/') ? 1 : 0;
    return count;
  };
  await expect.poll(listed, { timeout: 15_000 }).toBe(vms.length);

  const ended = vms.filter((_, index) => index % 9 === 4);
  let notified = 0;
  const breaksOff: HostLedger = {
    ...ledger,
    notifyLost: async (workflowId, machineId) => {
      notified += 1;
      if (notified === PAGE + 3) throw new Error('Temporal was away');
      // They are in the list that this try works through, and are closed by now.
      if (notified === 1) await endAll(ended);
      await ledger.notifyLost(workflowId, machineId);
    },
  };
  await expect(releaseMachines({ ledger: breaksOff }, { hostId: lost }, activityContext())).rejects.toThrow('away');
  const half = (await Promise.all(vms.map(toldTo))).filter((told) => told.length > 0).length;
  expect(half).toBeLessThan(vms.length - ended.length);
  await releaseMachines({ ledger }, { hostId: lost }, activityContext());

  for (const workflowId of vms.filter((id) => !ended.includes(id))) {
    const about = `m-${workflowId.slice(11)} hostLost`;
    expect(new Set(await toldTo(workflowId)), workflowId).toEqual(new Set([about]));
  }
  for (const workflowId of others) expect(await toldTo(workflowId)).toEqual([]);
});

async function endAll(workflowIds: readonly string[]): Promise<void> {
  await inParallel(workflowIds, 10, async (workflowId) => {
    await server.client.workflow.getHandle(workflowId).terminate('it ends meanwhile');
  });
}
