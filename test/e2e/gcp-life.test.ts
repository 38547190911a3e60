/** Whole lives on Compute Engine through `npm start`: the real worker, API and client against a strict server. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import type { ApiContext } from '../../api/api-context.ts';
import { consoleOf } from '../../api/hosts/host-console.ts';
import { HostDirectory } from '../../api/hosts/host-directory.ts';
import type { VmRecord } from '../../api/vms/seen/vm-record.ts';
import type { CreateVm } from '../../client/api-client.ts';
import type { Answer, ApiCalls, ShownVm } from '../../test-support/api/api-calls.ts';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { agentGuests } from '../../test-support/gce-server/agent-guests.ts';
import { startGceServer, type GceServer } from '../../test-support/gce-server/server.ts';
import { StreamClient } from '../../test-support/streams/stream-client.ts';
import { filesWith } from '../../test-support/secret-search.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from '../../test-support/npm-start.ts';

/** Where nothing listens. */
const NO_WORKER = { internalHost: '127.0.0.1', internalPort: 1 };

describe('npm start -- --provider gcp, against any server that speaks Compute Engine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-gcp-'));
  const stateDir = join(directory, 'state');
  const guests = agentGuests();
  let server: GceServer;
  let run: NpmRun;

  let calls: ApiCalls;

  const create = (body: CreateVm): Promise<Answer<ShownVm>> =>
    calls.createVm({ template: 'chat', ...body }, { wait: 'ready', timeoutSeconds: 60 });
  const now = async (name: string): Promise<ShownVm> => (await calls.getVm(name)).body;
  const destroy = (name: string): Promise<Answer<ShownVm>> =>
    calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });

  beforeAll(async () => {
    server = await startGceServer({ guests, project: 'ephemera', stepMs: 100 });
    const args = ['--state-dir', stateDir, '--provider', 'gcp', ...FREE_PORTS];
    run = new NpmRun('start', args, { EPHEMERA_GCP_ENDPOINT: server.endpoint });
    await run.prints('Ctrl-C stops it all');
    calls = await callsOf(stateDir);
  });

  afterAll(async () => {
    await run.kill();
    endEverythingOn(stateDir);
    guests.close();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('makes a VM that is ready when its agent has reported, and destroys it on request', async () => {
    const before = server.calls.length;
    const { body: vm } = await create({ name: 'lobby' });
    expect(vm).toMatchObject({ state: 'running', provider: 'gcp', zone: 'us-central1-a', connections: 0 });
    expect(server.model.instances.size).toBe(1);
    const { body: gone } = await destroy('lobby');
    expect(gone).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect([server.model.instances.size, server.model.disks.size]).toEqual([0, 0]);
    const calls = server.calls.slice(before);
    process.stdout.write(`gcp: ${calls.length} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE})\n`);
    expect(calls.length, JSON.stringify(calls)).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
  });

  it('gives machines the vm-server file from its API', async () => {
    const { body: vm } = await create({ name: 'fetch' });
    const [instance] = [...server.model.instances.values()];
    const script = instance?.metadata?.items?.find(({ key }) => key === 'startup-script')?.value ?? '';
    const url = /'(http:[^']+vm-server\.cjs)'/.exec(script)?.[1] ?? '';
    expect(url, script).toContain(readRunJson(stateDir).apiUrl);
    const file = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(file.equals(await readFile(VM_SERVER_FILE))).toBe(true);
    expect(vm).toMatchObject({ state: 'running' });
    await destroy('fetch');
  });

  it('shows a console to an API on another computer, which finds the worker by what that says of itself', async () => {
    const { body: vm } = await create({ name: 'seen' });
    const { temporalAddress, temporalNamespace = '' } = readRunJson(stateDir);
    const connection = await Connection.connect({ address: temporalAddress });
    const client = new Client({ connection, namespace: temporalNamespace });
    const secret = Buffer.from((await readFile(join(stateDir, 'secret-key'), 'utf8')).trim(), 'hex');
    const elsewhere = {
      ...{ hosts: new HostDirectory(client, 'ephemera-control'), bearerKeys: secret },
      ...{ log: pino({ level: 'silent' }), settings: { stateDir: join(directory, 'elsewhere'), worker: NO_WORKER } },
    } as unknown as ApiContext;
    const record = { workflowId: 'vm/default/seen', view: vm } as unknown as VmRecord;
    const console = await consoleOf(elsewhere, record, new AbortController().signal);
    expect(Buffer.from(console ?? []).toString()).toBe((await calls.getConsole('seen')).body.text);
    await connection.close();
    await destroy('seen');
  });

  it('tells its machine what is secret in the answer to a report, and its script runs once', async () => {
    const ran = join(directory, 'ran');
    const token = `token-${randomUUID()}`;
    const spec = {
      name: 'vault',
      env: { RAN: ran },
      secretEnv: { TOKEN: token },
      startupScript: 'echo "$TOKEN" >> "$RAN"\n',
    };
    expect(await create(spec)).toMatchObject({ status: 201, body: { state: 'running' } });
    expect(await readFile(ran, 'utf8')).toBe(`${token}\n`);
    const instances = JSON.stringify([...server.model.instances.values()]);
    expect(instances).toContain(ran);
    expect(instances).not.toContain(token);
    expect(await filesWith(stateDir, token)).toEqual([]);
    await destroy('vault');
  });

  it('ends a VM whose startup script fails, and says how', async () => {
    const { status, body } = await create({ name: 'failing', startupScript: 'exit 9' });
    expect([status, body.code]).toEqual([409, 'endedBeforeReady']);
    expect(JSON.stringify(body)).toContain('exit code 9');
    await destroy('failing');
  });

  it('lets holders of a key in through its agent: a command, a port and files, over the link that the agent opened', async () => {
    const { body: vm } = await create({ name: 'reached' });
    const { apiUrl } = readRunJson(stateDir);
    const key = (await readFile(join(stateDir, 'api-key'), 'utf8')).trim();
    const ran = await plainRequest({ url: apiUrl, key }, 'POST', '/v1/vms/reached/exec', {
      body: { command: ['echo', 'in'] },
    });
    expect(ran.body, JSON.stringify(ran.body)).toMatchObject({ exitCode: 0, stdout: 'in\n' });
    const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const { port } = echo.address() as AddressInfo;
    const client = await StreamClient.open({ url: apiUrl, key }, `/v1/vms/reached/ports/${port}`);
    client.socket.send(Buffer.from('through'));
    await client.until('its echo', () => client.text() === 'through');
    await client.close();
    echo.close();
    const files = await plainRequest({ url: apiUrl, key }, 'GET', '/v1/vms/reached/files?path=/etc/hostname');
    expect([files.status, files.text.startsWith('./hostname')]).toEqual([200, true]);
    await destroy(vm.name);
    const gone = await plainRequest({ url: apiUrl, key }, 'POST', '/v1/vms/reached/exec', {
      body: { command: ['true'] },
    });
    expect(gone.body).toMatchObject({ code: 'actionNotAllowed' });
  });

  it('keeps a VM while somebody is connected and destroys it when idle', async () => {
    const idle = { timeoutSeconds: 1, firstConnectTimeoutSeconds: 600 };
    const { body: vm } = await create({ name: 'game', idle });
    const holding = get(`http://${vm.address!.ip}:8080/hold`, () => undefined).on('error', () => undefined);
    await vi.waitFor(async () => expect(await now('game')).toMatchObject({ connections: 1 }), WAIT);
    holding.destroy();
    await vi.waitFor(() => expect(server.model.instances.size).toBe(0), { timeout: 90_000, interval: 250 });
    await vi.waitFor(async () => expect(await now('game')).toMatchObject({ state: 'destroyed', reason: 'idle' }), WAIT);
  });

  it('keeps a session that nobody uses as an image alone, and brings it back with its data and its secrets', async () => {
    const name = 'session';
    const found = join(directory, 'found');
    const word = `word-${randomUUID()}`;
    const idle = { timeoutSeconds: 600, firstConnectTimeoutSeconds: 2, action: 'close' } as const;
    // The agent runs it on the disk of the machine.
    const startupScript = 'echo "$(cat kept 2>/dev/null || echo nothing)" >> "$FOUND"\necho "$WORD" > kept\n';
    const spec = { name, env: { FOUND: found }, secretEnv: { WORD: word }, startupScript };
    const isClosed = () =>
      vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'destroyed', reason: 'closed' }), LONG);
    const seen = async (): Promise<string[]> => (await readFile(found, 'utf8')).trim().split('\n');
    const images = () => server.model.images.own();

    const { body: first } = await create({ ...spec, idle });
    await isClosed();
    expect([server.model.instances.size, server.model.disks.size, images().length]).toEqual([0, 0, 1]);
    const onDisk = Buffer.concat([...server.model.images.filesOf(images()[0]!).values()]).toString();
    expect(onDisk).toContain(word);
    expect(onDisk.split(word), 'what its script wrote, and no word of what it was told').toHaveLength(2);
    expect((await calls.listSessions()).body.sessions).toMatchObject([{ name, images: 1, live: false }]);

    const busy = { ...idle, firstConnectTimeoutSeconds: 600 };
    const { status, body: again } = await create({ ...spec, idle: busy });
    expect([status, again.startedFrom, again.state]).toEqual([201, 'image', 'running']);
    expect(again.machineId).not.toBe(first.machineId);
    expect(await seen()).toEqual(['nothing', word]);

    // Stopped and started it is the same machine, whose script has run.
    expect((await calls.stopVm(name)).status).toBe(200);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'stopped' }), LONG);
    await calls.startVm(name, { wait: 'ready', timeoutSeconds: 60 });
    expect(await now(name)).toMatchObject({ state: 'running', machineId: again.machineId });
    expect(await seen()).toEqual(['nothing', word]);

    // Compute Engine takes no more images: the VM stays with its disk, and the session with the image that it has.
    server.model.images.quota = 1;
    await calls.closeVm(name);
    await vi.waitFor(async () => {
      const { body } = await calls.listImages();
      expect(body.images.find(({ state }) => state === 'failed')?.detail).toContain('imageQuotaExceeded');
    }, LONG);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'stopped' }), LONG);
    expect([images().length, server.model.disks.size]).toEqual([1, 1]);
    server.model.images.quota = Infinity;

    // From stopped to an image alone; then back by name, with its secrets, from the newest.
    expect((await calls.closeVm(name)).status).toBe(200);
    await isClosed();
    const reopened = await calls.reopenVm(name, { wait: 'ready', timeoutSeconds: 60 });
    expect(reopened.body, JSON.stringify(reopened.body)).toMatchObject({ state: 'running', startedFrom: 'image' });
    expect(await seen()).toEqual(['nothing', word, word]);
    await destroy(name);
    const kept = (await calls.listImages()).body.images;
    expect(kept.map(({ state }) => state)).toEqual(['dirty', 'ready']);
    expect(kept.every(({ sizeBytes = 0 }) => sizeBytes > 0)).toBe(true);
    for (const image of kept) expect((await calls.deleteImage(image.name)).status).toBe(202);
    await vi.waitFor(() => expect(images()).toEqual([]), LONG);
    expect([server.model.instances.size, server.model.disks.size]).toEqual([0, 0]);
  });

  it('calls a spot VM that Google takes back preempted, and makes it anew under its name where the spec says so', async () => {
    const idle = { silenceTimeoutSeconds: 4, timeoutSeconds: 2, firstConnectTimeoutSeconds: 600 };
    const spot = { spot: true, idle };
    const [{ body: kept }, { body: given }] = await Promise.all([
      create({ ...spot, name: 'kept', onLost: 'recreate' }),
      create({ ...spot, name: 'given-up' }),
    ]);
    expect([kept.state, given.state]).toEqual(['running', 'running']);
    for (const [place, { labels }] of server.model.instances) {
      const [zone = '', instance = ''] = place.split('/');
      if (labels?.['ephemera-vm'] === 'kept' || labels?.['ephemera-vm'] === 'given-up') {
        server.model.preempt(zone, instance);
      }
    }
    await vi.waitFor(
      async () => expect(await now('given-up')).toMatchObject({ state: 'failed', reason: 'preempted' }),
      LONG,
    );
    const again = await vi.waitFor(async () => {
      const vm = await now('kept');
      expect([vm.state, vm.machineId === kept.machineId]).toEqual(['running', false]);
      return vm;
    }, LONG);
    expect(again).toMatchObject({ uid: kept.uid, name: 'kept' });
    expect((await calls.getTimeline('kept')).body.events).toContainEqual(
      expect.objectContaining({ state: 'destroying', reason: 'preempted' }),
    );
    expect((await destroy('kept')).body).toMatchObject({ reason: 'requested' });
    expect([server.model.instances.size, server.model.disks.size]).toEqual([0, 0]);
  });
});

const MOST_CALLS_PER_LIFE = 12;
const VM_SERVER_FILE = join(import.meta.dirname, '../../dist/vm-server.cjs');
const WAIT = { timeout: 20_000, interval: 200 };
const LONG = { ...WAIT, timeout: 60_000 };
