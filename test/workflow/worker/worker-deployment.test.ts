import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../config/load-settings.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { hostKeys } from '../../../security/hosts/host-keys.ts';
import { startWorker, type RunningWorker } from '../../../worker/run-worker.ts';
import { bundleWorkflows, workflowBuildId } from '../../../worker/temporal/workflow-bundle.ts';
import type { VmInput } from '../../../workflows/messages.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestServer, TEST_NAMESPACE, type TestServer } from '../../../test-support/temporal-server.ts';
import { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import {
  runHost,
  testSpec,
  untilView,
  workflowBundle,
  type VmHandle,
} from '../../../test-support/workflow/vm-harness.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

let server: TestServer;
let stateDir: string;
beforeAll(async () => {
  server = await startTestServer();
  stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
});
afterAll(async () => {
  await server.stop();
  await rm(stateDir, { recursive: true, force: true });
});

/** A deployment of its own: machines that need no versions, and control workers of any build. */
interface Deployment {
  name: string;
  start: (build: string | null) => Promise<RunningWorker & { log: string[] }>;
  promote: (...args: string[]) => Promise<{ code: number; output: string }>;
  vm: () => Promise<VmHandle>;
  end: () => Promise<void>;
}

async function newDeployment(): Promise<Deployment> {
  const name = `test-${randomUUID().slice(0, 8)}`;
  const queue = `queue-${name}`;
  const env = {
    EPHEMERA_STATE_DIR: stateDir,
    EPHEMERA_CONTROL_TASK_QUEUE: queue,
    EPHEMERA_DEPLOYMENT: name,
    EPHEMERA_WORKER_ROLES: 'control',
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_NAMESPACE: TEST_NAMESPACE,
  };
  const versioned = (build: string): object => ({
    EPHEMERA_WORKER_DEPLOYMENT: name,
    ...(build === '' ? {} : { EPHEMERA_WORKER_BUILD_ID: build }),
  });
  const activities = { ...new FakeMachines().activities(), sweepMachines: () => Promise.resolve() };
  const stopHost = await runHost(server, queue, activities);
  const workers: RunningWorker[] = [];
  return {
    name,
    start: async (build) => {
      const log: string[] = [];
      const write = (line: Buffer, _: string, done: () => void): void => {
        log.push(line.toString());
        done();
      };
      const worker = await startWorker({
        settings: loadSettings({
          argv: [],
          cwd: stateDir,
          env: { ...env, ...(build === null ? {} : versioned(build)) },
        }),
        connection: { address: server.address },
        keys: hostKeys(new Uint8Array(32)),
        vmServerFile: '',
        log: pino(new Writable({ write })),
        workflowBundle: await workflowBundle(),
      });
      workers.push(worker);
      return { ...worker, log };
    },
    promote: (...args) => {
      const ours = { ...env, ...versioned(''), PATH: process.env['PATH'], HOME: process.env['HOME'] };
      const command = ['--import', 'tsx', join(ROOT, 'commands/promote.ts'), ...args];
      return new Promise((done) => {
        execFile(process.execPath, command, { cwd: ROOT, env: ours }, (error, stdout, stderr) =>
          done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
        );
      });
    },
    vm: () => {
      const vmName = `vm-${randomUUID().slice(0, 8)}`;
      const input: VmInput = { project: 'default', name: vmName, spec: testSpec() };
      const workflowId = vmWorkflowId('default', vmName);
      return server.client.workflow.start<typeof runVm>('vm', { workflowId, taskQueue: queue, args: [input] });
    },
    end: async () => {
      await Promise.all(workers.map((worker) => worker.shutdown()));
      await stopHost();
    },
  };
}

const isRunning = (vm: VmHandle, deadlineMs = 30_000): Promise<unknown> =>
  untilView(vm, ({ state }) => state === 'running', deadlineMs);

/** The build that completed the VM's last workflow task. */
async function buildOf(vm: VmHandle): Promise<string | undefined> {
  const { workflowExecutionInfo } = await server.connection.workflowService.describeWorkflowExecution({
    namespace: TEST_NAMESPACE,
    execution: { workflowId: vm.workflowId },
  });
  return workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
}

async function isOnBuild(vm: VmHandle, build: string | undefined): Promise<void> {
  await vm.signal('hold', 60);
  await eventually(async () => expect(await buildOf(vm)).toBe(build), 30_000);
}

const bundleLog = { debug: () => undefined, warn: (message: string) => process.stderr.write(`${message}\n`) };

async function ownBuildId(): Promise<string> {
  return workflowBuildId(await bundleWorkflows(bundleLog));
}

describe.concurrent('control workers of a worker deployment', () => {
  it('say so when no build is current, and VMs that waited go on when one is', async () => {
    const deployment = await newDeployment();
    const worker = await deployment.start('');
    await eventually(() => expect(worker.log.join('')).toContain('no build of deployment'), 30_000);
    expect(worker.log.join('')).toContain(`npm run promote -- --worker-deployment ${deployment.name}`);
    const vm = await deployment.vm();
    const unknown = await deployment.promote('--worker-build-id', 'never-seen');
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.output).toContain(`known: ${await ownBuildId()}`);
    expect(await deployment.promote()).toMatchObject({ code: 0 });
    await isRunning(vm);
    await isOnBuild(vm, await ownBuildId());
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ reason: 'requested' });
    await deployment.end();
  });

  it('hand open VMs over to the build that is made current, and can then be stopped', async () => {
    const deployment = await newDeployment();
    const before = await deployment.start(null);
    const oldest = await deployment.vm();
    await isRunning(oldest);
    const a = await deployment.start('a');
    await eventually(() => expect(a.log.join('')).toContain('no build of deployment'), 30_000);
    expect(await deployment.promote('--worker-build-id', 'a')).toMatchObject({ code: 0 });
    await isOnBuild(oldest, 'a');
    await before.shutdown();
    const vms = [oldest, await deployment.vm(), await deployment.vm()];
    for (const vm of vms) await isRunning(vm);
    for (const vm of vms) await isOnBuild(vm, 'a');

    const b = await deployment.start('b');
    await eventually(() => expect(b.log.join('')).toContain('this build gets no VMs: a is current'), 30_000);
    for (const vm of vms) await isOnBuild(vm, 'a');
    expect(await deployment.promote('--worker-build-id', 'b')).toMatchObject({ code: 0 });
    for (const vm of vms.slice(0, 2)) await isOnBuild(vm, 'b');
    await a.shutdown();
    for (const vm of vms) {
      await vm.signal('destroy');
      expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
      expect(await buildOf(vm)).toBe('b');
    }
    await deployment.end();
  });

  it('can take a share first, and make room for workers without versions again', async () => {
    const deployment = await newDeployment();
    const a = await deployment.start('a');
    await eventually(() => expect(a.log.join('')).toContain('no build of deployment'), 30_000);
    expect(await deployment.promote('--worker-build-id', 'a')).toMatchObject({ code: 0 });
    const b = await deployment.start('b');
    await eventually(() => expect(b.log.join('')).toContain('a is current'), 30_000);
    const ramped = await deployment.promote('--worker-build-id', 'b', '--ramp', '50');
    expect(ramped.output).toContain('a is current; 50 % go to b');
    const vms = await Promise.all(Array.from({ length: 12 }, () => deployment.vm()));
    for (const vm of vms) await isRunning(vm);
    const builds = await Promise.all(vms.map(buildOf));
    expect(new Set(builds)).toEqual(new Set(['a', 'b']));
    const plain = await deployment.start(null);
    expect(await deployment.promote('--unversioned')).toMatchObject({ code: 0 });
    expect(plain.log.join('')).not.toContain('build');
    for (const vm of vms) {
      await vm.signal('destroy');
      expect(await vm.result()).toMatchObject({ reason: 'requested' });
    }
    await deployment.end();
  });
});
