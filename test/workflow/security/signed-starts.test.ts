/**
 * What somebody gets who may write to Temporal and holds nothing else of the deployment: he starts workflows, copies
 * what histories hold, and asks hosts for activities by workflows of his own.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VmView } from '../../../domain/vm/view.ts';
import { machineTaskQueue, vmWorkflowId } from '../../../domain/wire-names.ts';
import type { VmInput } from '../../../workflows/messages.ts';
import { killMachine, seeVm, startStack, type Stack } from '../../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import type { ForgedCall } from '../../../test-support/workflow/forging-workflow.ts';
import { runWorker, testSpec, untilView } from '../../../test-support/workflow/vm-harness.ts';

const ATTACKERS_QUEUE = 'attacker';
const FORGING_WORKFLOW = fileURLToPath(new URL('../../../test-support/workflow/forging-workflow.ts', import.meta.url));

let server: TestServer;
let stack: Stack;
let loot: string;
let attackersPath: string;
let stopAttacker: () => Promise<void>;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
  const bundle = bundleWorkflowCode({ workflowsPath: FORGING_WORKFLOW, logger: new DefaultLogger('ERROR') });
  stopAttacker = await runWorker(server, { taskQueue: ATTACKERS_QUEUE, workflowBundle: await bundle });
  attackersPath = await mkdtemp(join(tmpdir(), 'eph-'));
  loot = join(attackersPath, 'loot');
  await writeFile(join(attackersPath, 'sh'), `#!/bin/sh\nprintf %s "$TOKEN" >${loot}\n`, { mode: 0o755 });
});
afterAll(async () => {
  await stopAttacker();
  await stack.stop();
  await server.stop();
  await rm(attackersPath, { recursive: true, force: true });
});

const newName = (): string => `vm-${randomUUID().slice(0, 8)}`;

/** A VM with a secret, whose script finds its interpreter on PATH; made by the API. */
async function create(name: string, more: object = {}): Promise<VmView> {
  const secretEnv = { TOKEN: `token of ${name}` };
  const body = { template: 'chat', name, secretEnv, startupScript: '#!/usr/bin/env sh\nexit 0\n', ...more };
  const made = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', body);
  expect(made.body).toMatchObject({ name, state: 'running' });
  return made.body;
}

/** Makes a VM, ends it, and reads from its history what its workflow was started with. */
async function inputOfEndedVm(name: string): Promise<VmInput & { sealed: string }> {
  await create(name);
  await stack.call('DELETE', `/v1/vms/${name}?wait=destroyed&timeoutSeconds=30`);
  const { events } = await server.client.workflow.getHandle(vmWorkflowId('default', name)).fetchHistory();
  const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return JSON.parse(Buffer.from(payload?.data ?? []).toString('utf8')) as VmInput & { sealed: string };
}

/** Starts a VM as the API would, but without it, and returns what became of it. */
async function startByHand(workflowId: string, input: VmInput): Promise<VmView> {
  const options = { workflowId, taskQueue: stack.controlTaskQueue, args: [input] };
  const handle = (await server.client.workflow.start('vm', options)) as WorkflowHandle;
  const settled = ({ state }: VmView): boolean => state === 'running' || state === 'failed';
  const view = await untilView(handle, settled, 30_000);
  if (view.state === 'running') await handle.signal('destroy');
  await handle.result().catch(() => undefined);
  return view;
}

/** The type of the failure, or `done`. */
async function askHost(workflowId: string, activity: string, input: object): Promise<string> {
  const call: ForgedCall = { taskQueue: machineTaskQueue('local', stack.controlTaskQueue), activity, input };
  const options = { workflowId, taskQueue: ATTACKERS_QUEUE, args: [call] };
  try {
    await server.client.workflow.execute('vm', options);
    return 'done';
  } catch (error) {
    const failure = error instanceof WorkflowFailedError ? error.cause : error;
    const cause = failure instanceof ActivityFailure ? failure.cause : failure;
    return cause instanceof ApplicationFailure ? (cause.type ?? '') : String(cause);
  }
}

const withPath = (input: VmInput): VmInput => {
  const env = { ...input.spec.env, PATH: `${attackersPath}:${process.env['PATH'] ?? ''}` };
  return { ...input, spec: { ...input.spec, env } };
};

describe('a VM that is started in Temporal, past the API', () => {
  let stolen: VmInput & { sealed: string };
  let name: string;
  beforeAll(async () => {
    name = newName();
    stolen = await inputOfEndedVm(name);
  });

  it.each([
    [
      'with a spec of his own',
      'vm/default/own-spec',
      () => ({ project: 'default', name: 'own-spec', spec: testSpec() }),
    ],
    ['as a copy under another workflow id', 'vm/default/copy', () => withPath(stolen)],
    ['as a copy under another name', 'vm/default/renamed', () => ({ ...stolen, name: 'renamed' })],
    ['as a copy in another project', 'vm/other/copy', () => ({ ...stolen, project: 'other', name: 'copy' })],
    ['under its own name, with another PATH', '', () => withPath(stolen)],
    ['under its own name, with another image', '', () => ({ ...stolen, spec: { ...stolen.spec, image: 'none' } })],
  ] as const)('%s gets no machine', async (_how, workflowId, input) => {
    const before = await stack.machines();
    const view = await startByHand(workflowId === '' ? vmWorkflowId('default', name) : workflowId, input());
    expect(view).toMatchObject({ state: 'failed', reason: 'createFailed' });
    expect(view.detail).toContain('notSigned');
    expect(await stack.machines()).toEqual(before);
    expect(existsSync(loot)).toBe(false);
  });

  it.each([
    ['the sealed text of another VM', (other: string) => ({ sealed: other })],
    ['no sealed text, though its spec has one', () => ({ sealed: undefined })],
  ] as const)('with %s is told nothing', async (_how, changes) => {
    const other = await inputOfEndedVm(newName());
    const view = await startByHand(vmWorkflowId('default', name), { ...stolen, ...changes(other.sealed) } as VmInput);
    expect(view).toMatchObject({ state: 'failed', reason: 'notReady' });
    expect(view.detail).toContain('notSigned');
  });

  it('again, with all that the API signed, under its own name, is the same VM once more', async () => {
    expect(await startByHand(vmWorkflowId('default', name), stolen)).toMatchObject({ state: 'running' });
    expect(existsSync(loot)).toBe(false);
  });
});

describe('a host that is asked by another workflow than the one of a VM', () => {
  it('gives what was sealed for one VM to no machine of another, and takes over none', async () => {
    const name = newName();
    const { spec, sealed, signature } = await inputOfEndedVm(name);
    const { machineId } = await create(newName(), { secretEnv: {}, startupScript: '' });
    const { machineId: another } = await create(newName());
    const workflowId = vmWorkflowId('default', name);
    const { readiness, env } = spec;
    const ask = { readiness, silenceTimeoutSeconds: 300, workflowId };
    const assign = { project: 'default', name, env, spec, sealed, signature };
    for (const id of [machineId, another]) {
      expect(await askHost(workflowId, 'awaitMachineReady', { ...ask, machineId: id, assign })).toBe('notSigned');
      expect(await askHost(workflowId, 'awaitMachineReady', { ...ask, machineId: id })).toBe('notSigned');
      const taken = { machineId: id, spec, signature, project: 'default', vm: name };
      expect(await askHost(workflowId, 'createMachine', taken)).toBe('notSigned');
    }
    expect(existsSync(loot)).toBe(false);
  });

  it('gives what was sealed for one start of a name to no machine of another start', async () => {
    const name = newName();
    const { spec, sealed, signature } = await inputOfEndedVm(name);
    const { machineId } = await create(name, { env: { LEVEL: '2' } });
    const workflowId = vmWorkflowId('default', name);
    await server.client.workflow.getHandle(workflowId).terminate('by the attacker');
    const assign = { project: 'default', name, env: spec.env, spec, sealed, signature };
    const ask = { readiness: spec.readiness, silenceTimeoutSeconds: 300, workflowId, machineId, assign };
    expect(await askHost(workflowId, 'awaitMachineReady', ask)).toBe('notSigned');
  });
});

it('a VM that says it has the machine of another shows the console of none, while that lives and afterwards', async () => {
  const [name, peek] = [newName(), newName()];
  const { machineId } = await create(name, { startupScript: '#!/bin/sh\necho "its token is $TOKEN"\n' });
  const { memo } = await server.client.workflow.getHandle(vmWorkflowId('default', name)).describe();
  await server.client.workflow.start('vm', {
    workflowId: vmWorkflowId('default', peek),
    taskQueue: stack.controlTaskQueue,
    args: [],
    memo: JSON.parse(JSON.stringify(memo ?? {}).replaceAll(`"${name}"`, `"${peek}"`)) as Record<string, unknown>,
    // No worker of the deployment gets to tell the truth.
    startDelay: '1 hour',
  });
  expect((await stack.call('GET', `/v1/vms/${peek}`)).body).toMatchObject({ name: peek, machineId });
  for (const when of ['while it lives', 'afterwards']) {
    const [own, foreign] = [
      await stack.call('GET', `/v1/vms/${name}/console`),
      await stack.call('GET', `/v1/vms/${peek}/console`),
    ];
    expect([when, own.status]).toEqual([when, 200]);
    expect([when, foreign.status, foreign.body.code]).toEqual([when, 404, 'consoleUnavailable']);
    await stack.call('DELETE', `/v1/vms/${name}?wait=destroyed&timeoutSeconds=30`);
  }
});

it('a lost machine of a VM that the API started is replaced, and gets its sealed input', async () => {
  const name = newName();
  const { machineId } = await create(name, { onLost: 'recreate' });
  await killMachine(stack, machineId);
  await seeVm(stack, name, 'back', (vm) => vm.state === 'running' && vm.machineId !== machineId);
});
