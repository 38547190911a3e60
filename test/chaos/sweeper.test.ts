import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { SweepReport } from '../../domain/machine/sweep.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { createLocalProvider } from '../../providers/local/local-provider.ts';
import { buildVmServer } from '../../commands/start/build-vm-server.ts';
import { eventually, killMachine, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';
import { testSpec } from '../../test-support/workflow/vm-harness.ts';
import { runSweeps } from '../../test-support/trials/sweep-trial.ts';

const PERIOD_SECONDS = 5;
/** `npm run bench -- sweeps` does 1,000. */
const SWEEPS = Number(process.env['EPHEMERA_CHAOS_SWEEPS'] ?? 200);
const DEPLOYMENT = `sweep-${randomUUID().slice(0, 8)}`;

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  const env = { EPHEMERA_SWEEP_INTERVAL_SECONDS: `${PERIOD_SECONDS}`, EPHEMERA_DEPLOYMENT: DEPLOYMENT };
  stack = await startStack({ server, env });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

async function readyVm(): Promise<VmView & { workflowId: string }> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const { body } = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name, template: 'chat' });
  expect(body.state).toBe('running');
  return body as unknown as VmView & { workflowId: string };
}

async function drySweep(): Promise<SweepReport> {
  const { status, body } = await stack.call('GET', '/v1/sweep');
  expect(status, JSON.stringify(body)).toBe(200);
  return (body['sweeps'] as SweepReport[])[0]!;
}

describe('the sweeper', () => {
  it('removes the machine of a terminated workflow within its period and 15 s, and touches no other', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const [doomed, bystander] = [await readyVm(), await readyVm()];
    await server.client.workflow.getHandle(doomed.workflowId).terminate('a person pressed Terminate');
    await eventually(
      stack,
      'the orphan gone',
      async () => ((await stack.machines()).includes(doomed.machineId) ? undefined : true),
      (PERIOD_SECONDS + 15) * 1000 + 10_000,
    );
    expect(await stack.machines()).toContain(bystander.machineId);
    const { body } = await stack.call('GET', `/v1/vms/${bystander.name}`);
    expect(body).toMatchObject({ state: 'running', machineId: bystander.machineId });
  });

  it('tells a VM that its machine vanished while no worker watched', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const vm = await readyVm();
    await stack.worker.kill();
    await killMachine(stack, vm.machineId);
    await stack.worker.start();
    const lost = await eventually(
      stack,
      'lost',
      async () => {
        const { body } = await stack.call('GET', `/v1/vms/${vm.name}`);
        return body.state === 'failed' ? body : undefined;
      },
      60_000,
    );
    expect(lost.reason).toBe('lost');
  });

  it('never touches a machine without a trace of an owner, and says so in a dry run', async () => {
    const provider = createLocalProvider({
      stateDir: stack.stateDir,
      deployment: DEPLOYMENT,
      hostId: 'elsewhere',
      vmServerFile: await buildVmServer(),
      agentTransport: 'unix',
    });
    const { signal } = new AbortController();
    const machineId = `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`;
    const request = { machineId, spec: testSpec(), owner: 'vm/default/nobody', agentBootstrap: null };
    await provider.create(request, { signal });
    const seen = await eventually(
      stack,
      'unattributed',
      async () => {
        const { machines } = await drySweep();
        return machines.find((one) => one.machineId === machineId && one.verdict === 'unattributed');
      },
      40_000,
    );
    expect(seen).toMatchObject({ owner: 'vm/default/nobody', project: 'default', vm: 'nobody', action: 'none' });
    expect(await provider.describe(machineId, { signal })).toMatchObject({ status: 'running' });
    await provider.destroy(machineId, { signal });
  });

  it(`kills nothing that lives in ${SWEEPS} sweeps beside machines that come and go`, async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const result = await runSweeps({ server, stack, sweeps: SWEEPS });
    expect(result.falseKills).toEqual([]);
    expect(result.sweeps).toBe(SWEEPS);
    expect(result.lives).toBeGreaterThan(SWEEPS / 20);
  });

  it('is asked by administrators only', async () => {
    const answer = await fetch(`${stack.apis[0]!.url}/v1/sweep`);
    expect(answer.status).toBe(401);
  });
});
