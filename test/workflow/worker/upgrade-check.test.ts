import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import { copyCheckout, type CodeChange } from '../../../test-support/checkout.ts';
import { TEST_NAMESPACE } from '../../../test-support/temporal-server.ts';
import {
  startVmHarness,
  untilView,
  type SpecChanges,
  type VmHandle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** New code that rests for a second before it creates a machine, without asking how old the run is. */
const REST_BEFORE_CREATE: CodeChange = {
  file: 'workflows/vm/phases.ts',
  from: '    const isAdopting = ',
  to: '    await sleep(1000);\n    const isAdopting = ',
};
/** New code that rests before it tells an agent that its VM drains. */
const REST_BEFORE_DRAIN_NOTICE: CodeChange = {
  file: 'workflows/vm/phases.ts',
  from: '    await machine.tellDraining(',
  to: '    await sleep(1000);\n    await machine.tellDraining(',
};

interface Report {
  ok: boolean;
  recorded: { checked: number; broken: { workflowId: string }[] };
  live: {
    open: number;
    checked: number;
    notBegun: number;
    sampled: boolean;
    broken: { workflowId: string; runId: string; event: { id: number; type: string } | null; reason: string }[];
  };
}

let harness: VmHarness;
let folder: string;
let vms: Record<'creating' | 'booting' | 'running' | 'continuedAsNew' | 'draining' | 'destroying', VmHandle>;
beforeAll(async () => {
  harness = await startVmHarness();
  folder = await mkdtemp(join(tmpdir(), 'eph-histories-'));
  vms = await oneInEachPhase();
});
afterAll(async () => {
  await harness.stop();
  await rm(folder, { recursive: true, force: true });
});

async function oneInEachPhase(): Promise<typeof vms> {
  const { park, start } = await harness.park('a VM in each phase');
  const inState = async (state: string, changes?: SpecChanges): Promise<VmHandle> => {
    const vm = await start(changes);
    await untilView(vm, (view) => view.state === state);
    return vm;
  };
  const running = await inState('running');
  const continuedAsNew = await start({}, { historyLimitEvents: 25 });
  const { machineId } = await untilView(continuedAsNew, ({ state }) => state === 'running');
  for (let sequence = 2; sequence < 12; sequence += 1) {
    await continuedAsNew.signal('report', { machineId, sequence, connections: sequence % 2, sentAt: Date.now() });
  }
  const { workflowId, firstExecutionRunId } = continuedAsNew;
  await eventually(async () => {
    const { runId } = await harness.server.client.workflow.getHandle(workflowId).describe();
    expect(runId).not.toBe(firstExecutionRunId);
  }, 30_000);
  const draining = await inState('running');
  const view = await untilView(draining, ({ state }) => state === 'running');
  await draining.signal('report', { machineId: view.machineId, sequence: 2, connections: 1, sentAt: Date.now() });
  await draining.signal('drain');
  await untilView(draining, ({ state }) => state === 'draining');
  await eventually(() => expect(park.countOf('tellDraining')).toBeGreaterThan(0), 30_000);
  const destroying = await inState('running');
  park.faults.push({ name: 'destroyMachine', kind: 'hang' });
  await destroying.signal('destroy');
  await untilView(destroying, ({ state }) => state === 'destroying');
  await eventually(() => expect(park.countOf('destroyMachine')).toBeGreaterThan(0), 30_000);
  park.faults.push({ name: 'awaitMachineReady', kind: 'hang' });
  const booting = await inState('booting');
  await eventually(() => expect(park.faults.length).toBe(0), 30_000);
  park.faults.push({ name: 'createMachine', kind: 'hang' });
  const creating = await inState('creating');
  return { creating, booting, running, continuedAsNew, draining, destroying };
}

/** Runs the script of a checkout, as `npm run upgrade-check` does. */
function upgradeCheck(root: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TEMPORAL_ADDRESS: harness.server.address,
    TEMPORAL_NAMESPACE: TEST_NAMESPACE,
    EPHEMERA_STATE_DIR: folder,
  };
  const command = ['--import', 'tsx', join(root, 'commands/upgrade-check.ts'), ...args];
  return new Promise((done) => {
    execFile(process.execPath, command, { cwd: root, env, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function reportOf(root: string, ...args: string[]): Promise<Report & { code: number }> {
  const { code, stdout, stderr } = await upgradeCheck(root, '--json', ...args);
  expect(stdout, stderr).toMatch(/^\{/);
  return { code, ...(JSON.parse(stdout) as Report) };
}

const idsOf = (handles: VmHandle[]): string[] => handles.map(({ workflowId }) => workflowId).sort();
const brokenIds = (report: Report): string[] => report.live.broken.map(({ workflowId }) => workflowId).sort();

describe.concurrent('npm run upgrade-check', () => {
  it('passes for the code that runs, with a VM in each phase and one that was continued as new', async () => {
    const report = await reportOf(ROOT);
    expect(report).toMatchObject({ code: 0, ok: true, live: { open: 6, checked: 6, broken: [], sampled: false } });
    expect(report.recorded.checked).toBeGreaterThan(10);
  });

  it('names every VM that a timer before the create would break, with event and reason, and no other', async () => {
    const { root, remove } = await copyCheckout([REST_BEFORE_CREATE]);
    const report = await reportOf(root);
    await remove();
    const { continuedAsNew, ...others } = vms;
    expect(report).toMatchObject({ code: 1, ok: false });
    expect(brokenIds(report)).toEqual(idsOf(Object.values(others)));
    expect(brokenIds(report)).not.toContain(continuedAsNew.workflowId);
    for (const { event, reason } of report.live.broken) {
      expect(event).toMatchObject({ type: 'ActivityTaskScheduled' });
      expect(reason).toContain('TMPRL1100');
    }
    expect(report.recorded.broken.map(({ workflowId }) => workflowId)).toContain('idle.json');
  });

  it('finds a change that only VMs in one phase hear of, in histories that were carried to another machine', async () => {
    const carried = join(folder, 'carried');
    const exported = await upgradeCheck(ROOT, '--export', carried);
    expect(exported).toMatchObject({ code: 0 });
    expect(exported.stdout).toContain('names, labels, env');
    const files = await readdir(carried);
    expect(files).toHaveLength(6);
    expect((await stat(join(carried, files[0]!))).mode & 0o777).toBe(0o600);
    const { root, remove } = await copyCheckout([REST_BEFORE_DRAIN_NOTICE]);
    const report = await reportOf(root, '--from', carried);
    await remove();
    expect(report.code).toBe(1);
    expect(brokenIds(report)).toEqual([vms.draining.workflowId]);
    expect(report.live).toMatchObject({ open: 6, checked: 6, source: carried });
  });

  it('says loudly when it replays a sample only', async () => {
    const { code, stdout } = await upgradeCheck(ROOT, '--limit', '2');
    expect(code).toBe(0);
    expect(stdout).toContain('ONLY A SAMPLE: 2 of 6 open workflows');
  });
});
