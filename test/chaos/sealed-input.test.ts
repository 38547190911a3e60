/** Sealed input on local machines over their unix sockets, with the real worker, API and Temporal server. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { loadDeploymentSecret } from '../../security/sealing/deployment-secret.ts';
import { SealedInputs } from '../../security/sealing/sealed-input.ts';
import { StartSignatures } from '../../security/sealing/start-signatures.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { everythingTemporalTells, filesWith, holds } from '../../test-support/secret-search.ts';
import { eventually, killMachine, seeVm, startStack, type ApiAnswer, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';
import { testSpec } from '../../test-support/workflow/vm-harness.ts';

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const newName = (): string => `vm-${randomUUID().slice(0, 8)}`;
const see = (name: string, what: string, wanted: (vm: VmView) => boolean): Promise<VmView> =>
  seeVm(stack, name, what, wanted);
const ended = (name: string): Promise<VmView> => see(name, 'ended', ({ state }) => state === 'failed');

function create(spec: object, wait = '?wait=ready&timeoutSeconds=90'): Promise<ApiAnswer> {
  onTestFailed(async () => console.log(await stack.logs()));
  return stack.call('POST', `/v1/vms${wait}`, { template: 'chat', ...spec });
}

/** Says on the console what it was given, and that it runs. */
const SCRIPT = 'echo "ran with $GREETING and $TOKEN"\n';
const SECRETS = { TOKEN: 'the-token', CHAT_TITLE: 'the-title' };
const sealedVm = (more: object = {}) => ({
  name: newName(),
  env: { GREETING: 'hello' },
  secretEnv: SECRETS,
  startupScript: SCRIPT,
  ...more,
});

async function consoleOf(name: string): Promise<string> {
  return String((await stack.call('GET', `/v1/vms/${name}/console`)).body['text']);
}
/** What the script printed last may reach the console just after its VM is ready. */
const runs = (name: string): Promise<number> =>
  eventually(stack, `the script of ${name} on its console`, async () => {
    const count = (await consoleOf(name)).split('ran with').length - 1;
    return count > 0 ? count : undefined;
  });

async function pageOf({ address }: VmView): Promise<string> {
  return (await fetch(`http://${address!.ip}:8080/`)).text();
}

describe('sealed input of a machine', () => {
  it('is in the environment of script and app before the VM is ready', async () => {
    const spec = sealedVm();
    const made = await create(spec);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    expect(made.body.spec.sealed).toEqual({ secretEnvNames: ['CHAT_TITLE', 'TOKEN'], startupScript: true });
    expect(await consoleOf(spec.name)).toContain('ran with hello and the-token');
    expect(await pageOf(made.body)).toContain('the-title');
  });

  it('finds the same VM for the same secrets, and is a conflict for others', async () => {
    const spec = sealedVm();
    expect((await create(spec)).status).toBe(201);
    const turned = { ...spec, secretEnv: Object.fromEntries(Object.entries(SECRETS).reverse()) };
    expect((await create(turned)).status).toBe(200);
    const others = [
      { ...spec, secretEnv: { ...SECRETS, TOKEN: 'another' } },
      { ...spec, startupScript: `${SCRIPT}\n` },
      { ...spec, startupScript: '' },
      { ...spec, secretEnv: {} },
    ];
    for (const other of others) expect((await create(other)).body.code).toBe('specConflict');
  });

  it('holds back a VM that is ready by its port, until its script is done', async () => {
    const readiness = { kind: 'http', port: 8080, path: '/', timeoutSeconds: 60 };
    const spec = sealedVm({ readiness, startupScript: `sleep 1.5; ${SCRIPT}` });
    const begun = Date.now();
    expect((await create(spec)).status).toBe(201);
    expect(Date.now() - begun).toBeGreaterThan(1500);
    expect(await runs(spec.name)).toBe(1);
  });

  it('is given to the machine that replaces a lost one, whose script runs too', async () => {
    const spec = sealedVm({ onLost: 'recreate' });
    const { machineId } = (await create(spec)).body;
    await killMachine(stack, machineId);
    const again = await see(spec.name, 'back', (vm) => vm.state === 'running' && vm.machineId !== machineId);
    expect(await runs(spec.name)).toBe(1);
    expect(await pageOf(again)).toContain('the-title');
  });

  it('arrives once, whether the worker is killed before it was told or while the script runs', async () => {
    const during = sealedVm({ startupScript: `echo begun; sleep 4; ${SCRIPT}` });
    await create(during, '');
    await eventually(stack, 'the script', async () =>
      (await consoleOf(during.name)).includes('begun') ? true : undefined,
    );
    const before = sealedVm();
    const known = await stack.machines();
    await create(before, '');
    await eventually(stack, 'a directory', async () =>
      (await stack.machines()).length > known.length ? true : undefined,
    );
    await stack.worker.kill();
    await stack.worker.start();
    for (const { name } of [during, before]) {
      const vm = await see(name, 'running', ({ state }) => state === 'running');
      expect(await runs(name)).toBe(1);
      expect(await pageOf(vm)).toContain('the-title');
    }
    expect(await consoleOf(during.name)).toContain('ran with hello and the-token');
  });
});

describe('a startup script that fails', () => {
  const printed = `secret-${randomUUID()}`;
  const failing = [
    ['with an exit code', 'echo "$TOKEN" >&2; exit 7', 60, 'exit code 7'],
    ['by its time-out', 'echo "$TOKEN"; sleep 600', 4, 'did not end in time'],
    ['without an interpreter', '#!/nowhere/at-all\necho "$TOKEN"', 60, 'could not be started'],
    ['and takes the machine along', 'echo "$TOKEN"; kill -9 $PPID', 60, 'ended before it was ready; read its console'],
  ] as const;

  it.each(failing)(
    '%s ends the VM as notReady, with no word of what it printed',
    async (_how, script, seconds, detail) => {
      const readiness = { kind: 'agent', timeoutSeconds: seconds };
      const spec = sealedVm({ secretEnv: { TOKEN: printed }, startupScript: script, readiness });
      const made = await create(spec);
      expect([made.status, made.body.code]).toEqual([409, 'endedBeforeReady']);
      const vm = await ended(spec.name);
      expect(vm).toMatchObject({ reason: 'notReady', detail: expect.stringContaining(detail) as string });
      expect(JSON.stringify(made.body)).not.toContain(printed);
    },
  );

  it('leaves nothing of it in Temporal, the logs or the state directory', async () => {
    const told = await everythingTemporalTells(server.client);
    expect(holds(told, 'startupScriptFailed')).toBe(true);
    for (const secret of [printed, 'the-token', 'the-title']) expect(holds(told, secret), secret).toBe(false);
    // What a script printed stays on the console, whose end the host keeps for an hour.
    const isConsole = (path: string): boolean => path.endsWith('console.log') || path.startsWith('machine-consoles');
    expect((await filesWith(stack.stateDir, printed)).filter((path) => !isConsole(path))).toEqual([]);
    // Scripts of other tests here print their secret on purpose: on the console it is found.
    const files = await filesWith(stack.stateDir, 'the-token');
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((path) => !isConsole(path))).toEqual([]);
  });
});

describe('a sealed input that was not made for this VM', () => {
  it('ends it as notReady with a documented code', async () => {
    const settings = { stateDir: stack.stateDir, secretKey: null };
    const secret = loadDeploymentSecret(settings);
    const name = newName();
    const spec = testSpec({ sealed: { secretEnvNames: Object.keys(SECRETS), startupScript: false } });
    const claim = { workflowId: vmWorkflowId('default', name), spec };
    const foreign = new SealedInputs(secret, 'another-deployment');
    const sealed = foreign.seal(claim, { secretEnv: SECRETS, startupScript: null });
    const signature = new StartSignatures(secret, stack.env['EPHEMERA_DEPLOYMENT'] ?? '').sign(claim, sealed);
    const handle = await server.client.workflow.start('vm', {
      workflowId: vmWorkflowId('default', name),
      taskQueue: stack.controlTaskQueue,
      args: [{ project: 'default', name, spec, sealed, signature }],
    });
    await expect(handle.result()).rejects.toThrow();
    const told = JSON.stringify(await handle.fetchHistory());
    expect(told).toContain('"type":"sealedInputUnreadable"');
    expect(told).toContain('sealedInputUnreadable: the sealed input of');
  });
});
