/** Many sweeps beside healthy VMs under churn, and what becomes of the machines of terminated workflows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import type { SweepInput, SweepReport } from '../../domain/machine/sweep.ts';
import type { VmView } from '../../domain/vm/view.ts';
import type { Stack } from '../stack.ts';
import type { TestServer } from '../temporal-server.ts';

interface Place {
  server: TestServer;
  stack: Stack;
}

export interface SweepsResult {
  sweeps: number;
  /** VMs that came and went meanwhile, each ended by its owner. */
  lives: number;
  /** Machines that a sweep touched, VMs that it called lost, and VMs that did not end as they were asked to. */
  falseKills: string[];
}

const CHURNING = 3;
const STAYING = 3;

/** Sweeps one after the other, `sweeps` times. */
export async function runSweeps({ server, stack, sweeps }: Place & { sweeps: number }): Promise<SweepsResult> {
  const stayers = await Promise.all(Array.from({ length: STAYING }, () => readyVm(stack)));
  const falseKills: string[] = [];
  let [isOver, lives] = [false, 0];
  const churn = Array.from({ length: CHURNING }, async () => {
    while (!isOver) {
      const { name } = await readyVm(stack);
      const { body } = await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
      if (body.reason !== 'requested') falseKills.push(`${name} ended as ${body.reason ?? body.state}`);
      lives += 1;
    }
  });
  const input: SweepInput = { dryRun: false, providers: ['local'] };
  try {
    for (let round = 0; round < sweeps; round += 1) {
      const workflowId = `sweep-test/${randomUUID()}`;
      const options = { workflowId, taskQueue: stack.controlTaskQueue, args: [input] };
      const [report] = (await server.client.workflow.execute('sweep', options)) as SweepReport[];
      for (const { machineId, action } of report?.machines ?? []) {
        if (action !== 'none') falseKills.push(`${machineId} was ${action}`);
      }
      for (const { workflowId: lost } of report?.lost ?? []) falseKills.push(`${lost} was called lost`);
    }
  } finally {
    isOver = true;
    await Promise.allSettled(churn);
  }
  await Promise.all(churn);
  for (const { name, machineId } of stayers) {
    const { body } = await stack.calls.getVm(name);
    if (body.state !== 'running' || body.machineId !== machineId) falseKills.push(`${name} is ${body.state}`);
    await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
  }
  return { sweeps, lives, falseKills };
}

/** How long after each Terminate the machine was gone, in ms; bystanders that were hurt. */
export interface OrphansResult {
  goneAfterMs: number[];
  hurtBystanders: string[];
}

const LANES = 8;
const BYSTANDERS = 10;
const LOOK_MS = 100;

/** Terminates `orphans` workflows, `spreadSeconds` from the first to the last, and waits until their machines are gone. */
export async function runOrphans({
  server,
  stack,
  orphans,
  spreadSeconds,
}: Place & { orphans: number; spreadSeconds: number }): Promise<OrphansResult> {
  const vms: VmView[] = [];
  await inParallel(Array.from({ length: orphans + BYSTANDERS }), LANES, async () => {
    vms.push(await readyVm(stack));
  });
  const [bystanders, doomed] = [vms.slice(0, BYSTANDERS), vms.slice(BYSTANDERS)];
  const goneAfterMs = await Promise.all(
    doomed.map(async ({ name, machineId }, index) => {
      await sleep((index / orphans) * spreadSeconds * 1000);
      await server.client.workflow.getHandle(`vm/default/${name}`).terminate('a person pressed Terminate');
      const terminatedAt = Date.now();
      while ((await stack.machines()).includes(machineId)) await sleep(LOOK_MS);
      return Date.now() - terminatedAt;
    }),
  );
  const hurtBystanders: string[] = [];
  for (const { name, machineId } of bystanders) {
    const { body } = await stack.calls.getVm(name);
    if (body.state !== 'running' || body.machineId !== machineId) hurtBystanders.push(`${name} is ${body.state}`);
  }
  return { goneAfterMs, hurtBystanders };
}

async function readyVm(stack: Stack): Promise<VmView> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const { status, body } = await stack.calls.createVm(
    {
      name,
      template: 'chat',
    },
    { wait: 'ready', timeoutSeconds: 120 },
  );
  if (body.state !== 'running') throw new Error(`the create answered ${status}: ${JSON.stringify(body)}`);
  return body;
}
