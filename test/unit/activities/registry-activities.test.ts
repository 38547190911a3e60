import { expect, it } from 'vitest';
import {
  drainHost,
  evictWarm,
  releaseMachines,
  type HostedVm,
  type HostLedger,
} from '../../../activities/control/registry-activities.ts';
import { activityContext } from '../../../test-support/activity-context.ts';

const VM: HostedVm = { workflowId: 'vm/default/lobby', machineId: 'm-new', state: 'running' };

/** Temporal as it is once the host has returned and has a new machine. */
function ledgerWith(vms: HostedVm[]) {
  const lost: string[] = [];
  const ledger = {
    // eslint-disable-next-line @typescript-eslint/require-await -- Temporal's list is asynchronous, this one is there.
    async *vmsOn() {
      yield* vms;
    },
    notifyLost: (_: string, machineId: string) => Promise.resolve(void lost.push(machineId)),
  };
  return { ledger: ledger as unknown as HostLedger, lost };
}

it('a release tells each VM of the host that its machine is lost', async () => {
  const { ledger, lost } = ledgerWith([VM]);
  await releaseMachines({ ledger }, { hostId: 'h' }, activityContext());
  expect(lost).toEqual(['m-new']);
});

it('a release of a control worker that goes on after a pause, when the host is back, calls no new machine lost', async () => {
  const { ledger, lost } = ledgerWith([VM]);
  const givenUp = new Error('the activity is over');
  const release = releaseMachines(
    { ledger },
    { hostId: 'h' },
    activityContext({ confirm: () => Promise.reject(givenUp) }),
  );
  await expect(release).rejects.toBe(givenUp);
  expect(lost).toEqual([]);
});

it('a drain reaches a VM whose machine was under way on an empty host when the drain began', async () => {
  // Between two looks its create comes to its end; then it is drained, and its machine goes.
  const looks: HostedVm[][] = [[], [{ ...VM, uid: 'u1' }], [], []];
  const drained: string[] = [];
  const { ledger } = ledgerWith([]);
  Object.assign(ledger, {
    // eslint-disable-next-line @typescript-eslint/require-await -- Temporal's list is asynchronous, this one is there.
    async *vmsOn() {
      yield* looks.shift() ?? [];
    },
    drain: (workflowId: string) => Promise.resolve(void drained.push(workflowId)),
    machinesOf: () => Promise.resolve(0),
  });
  await drainHost({ ledger, drainLookMs: 1 }, { hostId: 'h' }, activityContext());
  expect(drained).toEqual([VM.workflowId]);
  expect(looks).toEqual([]);
});

it('of a host that takes no creates any more the machines that wait in pools hear of it until none is left, and no VM does', async () => {
  const warm = (state: HostedVm['state']): HostedVm => ({ workflowId: 'warm/m-1', machineId: 'm-1', state });
  const looks: HostedVm[][] = [[VM, warm('booting')], [VM, warm('destroying')], [VM], [VM]];
  const told: string[] = [];
  const { ledger } = ledgerWith([]);
  Object.assign(ledger, {
    // eslint-disable-next-line @typescript-eslint/require-await -- Temporal's list is asynchronous, this one is there.
    async *vmsOn() {
      yield* looks.shift() ?? [];
    },
    drain: (workflowId: string) => Promise.resolve(void told.push(workflowId)),
  });
  await evictWarm({ ledger, drainLookMs: 1 }, { hostId: 'h' }, activityContext());
  expect(told).toEqual(['warm/m-1']);
  expect(looks).toEqual([]);
});
