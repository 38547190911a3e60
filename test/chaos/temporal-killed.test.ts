/**
 * Temporal's server is killed by -9 at each step of a handover, of a wake and of a close, with several VMs at it, and comes back on
 * its file. The VMs of one step are those of the next: what they wrote at first they read at the end.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { temporal } from '@temporalio/proto';
import { poolWorkflowId, vmWorkflowId } from '../../domain/wire-names.ts';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import { eventually, seeVm, startStack, type ApiAnswer, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** What an activity costs whose answer came while nobody took it. */
const SLOW_MS = 90_000;
const VMS = 3;
const BETWEEN_MS = 40;
const WARM = { min: VMS, max: VMS, ttlSeconds: 3600 };

let server: TestServer;
let stack: Stack;
let names: string[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const env = { EPHEMERA_IMAGES_DIRTY_SECONDS: '0', EPHEMERA_IMAGES_SWEEP_INTERVAL_SECONDS: '5' };
  stack = await startStack({ server, env });
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
  const { status } = await stack.call('PUT', '/v1/templates/chat', { spec, warm: WARM });
  expect(status).toBeLessThan(300);
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Step = readonly [workflowId: (vm: string) => string, isSeen: (event: HistoryEvent) => boolean];

const ofVm = (vm: string): string => vmWorkflowId('default', vm);
const scheduled = (activity: string): Step => [
  ofVm,
  ({ activityTaskScheduledEventAttributes: asked }) => asked?.activityType?.name === activity,
];

/** How many events of a step there are by now. */
async function seen([workflowId, isSeen]: Step, vm: string): Promise<number> {
  const handle = server.client.workflow.getHandle(workflowId(vm));
  const { events } = await handle.fetchHistory().catch(() => ({ events: [] }));
  return (events ?? []).filter(isSeen).length;
}

/** Asks for all VMs, one a moment after the other; the server is killed once the first is so far, and comes back. */
async function killedAt(step: Step, ask: (vm: string) => Promise<ApiAnswer>, withinMs = SLOW_MS): Promise<void> {
  const first = names[0]!;
  const before = await seen(step, first);
  let isKilled = false;
  const asked = names.map(async (name, at) => {
    await sleep(at * BETWEEN_MS);
    // After the kill before, a replica may refuse for a moment what it takes again.
    for (;;) {
      const answer = await ask(name).catch(() => undefined);
      if (isKilled || (answer !== undefined && answer.status < 500)) return;
      await sleep(BETWEEN_MS);
    }
  });
  const deadline = Date.now() + withinMs;
  while ((await seen(step, first)) <= before) {
    if (Date.now() > deadline) throw new Error(`the step was never reached\n${await stack.logs()}`);
    await sleep(5);
  }
  isKilled = true;
  await server.kill();
  await Promise.all(asked);
  await server.restart();
}

/** Repeats what was asked until each VM is as wanted. */
async function untilAll(state: string, ask: (vm: string) => Promise<ApiAnswer>): Promise<void> {
  for (const name of names) {
    await eventually(
      stack,
      `${name} is ${state}`,
      async () => {
        const { status, body } = await stack.calls.getVm(name, { fresh: true });
        if (status === 200 && body.state === state) return true;
        await ask(name);
        return undefined;
      },
      SLOW_MS,
    );
  }
}

const keys = new Map<string, string>();
function create(name: string): Promise<ApiAnswer> {
  const { url } = stack.apis[0]!;
  const headers = { 'idempotency-key': keys.get(name) ?? '' };
  const body = { name, template: 'chat' };
  return plainRequest({ url, key: stack.apiKey }, 'POST', '/v1/vms', {
    body,
    headers,
  }) as Promise<unknown> as Promise<ApiAnswer>;
}
const change = (what: string) => (name: string) => stack.call('POST', `/v1/vms/${name}/${what}`);

/** As the manifests on the disk say: the machines of an owner. */
async function machinesOf(owner: string): Promise<string[]> {
  const machineIds = await stack.machines();
  const owners = machineIds.map(async (machineId) => {
    const text = await readFile(join(stack.stateDir, 'machines', machineId, 'machine.json'), 'utf8').catch(() => '{}');
    return (JSON.parse(text) as { labels?: { owner?: string } }).labels?.owner;
  });
  const found = await Promise.all(owners);
  return machineIds.filter((_, at) => found[at] === owner);
}

/** Each VM has one machine, whose disk has what was written at first. */
async function expectOneMachineEach(): Promise<string[]> {
  const machineIds: string[] = [];
  for (const name of names) {
    const { machineId } = await seeVm(stack, name, 'running', ({ state }) => state === 'running', SLOW_MS, {
      fresh: true,
    });
    await eventually(stack, `one machine of ${name}`, async () =>
      (await machinesOf(ofVm(name))).join() === machineId ? true : undefined,
    );
    machineIds.push(machineId);
  }
  expect(new Set(machineIds).size).toBe(VMS);
  return machineIds;
}
const keptFile = (machineId: string): string => join(stack.stateDir, 'machines', machineId, 'data', 'kept');
async function expectWhatWasWritten(): Promise<void> {
  const machineIds = await expectOneMachineEach();
  expect(await Promise.all(machineIds.map((machineId) => readFile(keptFile(machineId), 'utf8')))).toEqual(names);
}

/** None is granted while its host counts as away, as it does for a moment after an outage. */
const untilPoolIsFull = (): Promise<true> =>
  eventually(
    stack,
    'machines that wait on a host that is ready',
    async () => {
      const { pools = [] } = (await stack.call('GET', '/v1/pools')).body as { pools?: { ready: number }[] };
      const { hosts } = (await stack.calls.listHosts()).body;
      return pools[0]?.ready === VMS && hosts.every(({ state }) => state === 'ready') ? true : undefined;
    },
    SLOW_MS,
  );

const ofPool = (): string => poolWorkflowId('default', 'chat', stack.controlTaskQueue);
const HANDOVER: Readonly<Record<string, Step>> = {
  'claims are granted': [ofPool, (event) => Boolean(event.workflowExecutionUpdateCompletedEventAttributes)],
  'the VMs begin': [ofVm, (event) => Boolean(event.workflowExecutionStartedEventAttributes)],
  'the VMs ask': [
    ofVm,
    ({ signalExternalWorkflowExecutionInitiatedEventAttributes: to }) => to?.signalName === 'adopt',
  ],
  'the host has written it down': [ofVm, (event) => Boolean(event.activityTaskCompletedEventAttributes)],
};

/** For a moment after an outage creates are given new machines instead of those that wait, as they should be: then again. */
async function killedInHandover(step: Step): Promise<void> {
  for (let triesLeft = 4; ; triesLeft -= 1) {
    await Promise.all(names.map((name) => stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`)));
    await untilPoolIsFull();
    names = Array.from({ length: VMS }, () => `vm-${randomUUID().slice(0, 8)}`);
    for (const name of names) keys.set(name, randomUUID());
    try {
      await killedAt(step, create, 20_000);
      return;
    } catch (error) {
      if (triesLeft === 1) throw error;
    }
  }
}

describe("a kill of Temporal's server", () => {
  it.each(Object.keys(HANDOVER))(
    'as %s leaves each VM one machine, and each machine one owner',
    async (step) => {
      onTestFailed(async () => console.log(await stack.logs()));
      await killedInHandover(HANDOVER[step]!);
      await untilAll('running', create);
      await expectOneMachineEach();
    },
    240_000,
  );

  it('as they wake leaves each its machine, with its data', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    for (const [at, machineId] of (await expectOneMachineEach()).entries())
      await writeFile(keptFile(machineId), names[at]!);
    await untilAll('stopped', change('stop'));
    await killedAt(scheduled('startMachine'), change('start'));
    await untilAll('running', change('start'));
    await expectWhatWasWritten();
  }, 240_000);

  it.each(['stopMachine', 'makeImage', 'destroyMachine'])(
    'as they are closed, in %s, leaves each one image and no machine, and what was written is there when they are opened again',
    async (activity) => {
      onTestFailed(async () => console.log(await stack.logs()));
      await killedAt(scheduled(activity), change('close'));
      await untilAll('destroyed', change('close'));
      for (const name of names) expect(await machinesOf(ofVm(name))).toEqual([]);
      await eventually(
        stack,
        'one image of each',
        async () => {
          const { images } = (await stack.calls.listImages()).body;
          const onDisk = await readdir(join(stack.stateDir, 'machine-images'));
          const ready = images.filter(({ state }) => state === 'ready').map(({ imageId }) => imageId);
          return ready.length === VMS && onDisk.sort().join() === ready.sort().join() ? true : undefined;
        },
        SLOW_MS,
      );
      await untilAll('running', change('reopen'));
      await expectWhatWasWritten();
    },
    240_000,
  );

  it('has left nothing once all VMs are destroyed and the pool has ended', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    await Promise.all(names.map((name) => stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`)));
    await stack.call('DELETE', '/v1/templates/chat');
    await eventually(
      stack,
      'no machine',
      async () => ((await stack.machines()).length === 0 ? true : undefined),
      SLOW_MS,
    );
  }, 120_000);
});
