/** Whole lives on Compute Engine through `npm start`: the real worker, API and client against a strict server. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TimelineEntryView, VmView } from '../../domain/vm-view.ts';
import { agentGuests } from '../provider/gce-server/agent-guests.ts';
import { startGceServer, type GceServer } from '../provider/gce-server/server.ts';
import { filesWith } from '../secret-search.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from './npm-start.ts';

describe('npm start -- --provider gcp, against any server that speaks Compute Engine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-gcp-'));
  const stateDir = join(directory, 'state');
  const guests = agentGuests();
  let server: GceServer;
  let run: NpmRun;

  async function call(method: string, path: string, body?: unknown): Promise<VmView & { status: number }> {
    const { apiUrl, keyFile } = readRunJson(stateDir);
    const authorization = `Bearer ${(await readFile(keyFile, 'utf8')).trim()}`;
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { ...((await response.json()) as VmView), status: response.status };
  }

  beforeAll(async () => {
    server = await startGceServer({ guests, project: 'ephemera', stepMs: 100 });
    const args = ['--state-dir', stateDir, '--provider', 'gcp', ...FREE_PORTS];
    run = new NpmRun('start', args, { EPHEMERA_GCP_ENDPOINT: server.endpoint });
    await run.prints('Ctrl-C stops it all');
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
    const vm = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name: 'lobby', template: 'chat' });
    expect(vm).toMatchObject({ state: 'running', provider: 'gcp', zone: 'us-central1-a', connections: 0 });
    expect(server.world.instances.size).toBe(1);
    const gone = await call('DELETE', '/v1/vms/lobby?wait=destroyed&timeoutSeconds=60');
    expect(gone).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect([server.world.instances.size, server.world.disks.size]).toEqual([0, 0]);
    const calls = server.calls.slice(before);
    process.stdout.write(`gcp: ${calls.length} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE})\n`);
    expect(calls.length, JSON.stringify(calls)).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
  });

  it('gives machines the vm-server file from its API', async () => {
    const vm = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name: 'fetch', template: 'chat' });
    const [instance] = [...server.world.instances.values()];
    const script = instance?.metadata?.items?.find(({ key }) => key === 'startup-script')?.value ?? '';
    const url = /'(http:[^']+vm-server\.cjs)'/.exec(script)?.[1] ?? '';
    expect(url, script).toContain(readRunJson(stateDir).apiUrl);
    const file = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(file.equals(await readFile(VM_SERVER_FILE))).toBe(true);
    expect(vm).toMatchObject({ state: 'running' });
    await call('DELETE', '/v1/vms/fetch?wait=destroyed&timeoutSeconds=60');
  });

  it('tells its machine what is secret in the answer to a report, and its script runs once', async () => {
    const ran = join(directory, 'ran');
    const token = `token-${randomUUID()}`;
    const spec = {
      name: 'vault',
      template: 'chat',
      env: { RAN: ran },
      secretEnv: { TOKEN: token },
      startupScript: 'echo "$TOKEN" >> "$RAN"\n',
    };
    const vm = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', spec);
    expect(vm).toMatchObject({ status: 201, state: 'running' });
    expect(await readFile(ran, 'utf8')).toBe(`${token}\n`);
    const instances = JSON.stringify([...server.world.instances.values()]);
    expect(instances).toContain(ran);
    expect(instances).not.toContain(token);
    expect(await filesWith(stateDir, token)).toEqual([]);
    await call('DELETE', '/v1/vms/vault?wait=destroyed&timeoutSeconds=60');
  });

  it('ends a VM whose startup script fails, and says how', async () => {
    const spec = { name: 'failing', template: 'chat', startupScript: 'exit 9' };
    const answer = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', spec);
    expect(answer).toMatchObject({ status: 409, code: 'endedBeforeReady' });
    expect(JSON.stringify(answer)).toContain('exit code 9');
    await call('DELETE', '/v1/vms/failing?wait=destroyed&timeoutSeconds=60');
  });

  it('keeps a VM while somebody is connected and destroys it when idle', async () => {
    const idle = { timeoutSeconds: 1, firstConnectTimeoutSeconds: 600 };
    const vm = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name: 'game', template: 'chat', idle });
    const holding = get(`http://${vm.address!.ip}:8080/hold`, () => undefined).on('error', () => undefined);
    await vi.waitFor(async () => expect(await call('GET', '/v1/vms/game')).toMatchObject({ connections: 1 }), WAIT);
    holding.destroy();
    await vi.waitFor(() => expect(server.world.instances.size).toBe(0), { timeout: 90_000, interval: 250 });
    await vi.waitFor(
      async () => expect(await call('GET', '/v1/vms/game')).toMatchObject({ state: 'destroyed', reason: 'idle' }),
      WAIT,
    );
  });

  it('calls a spot VM that Google takes back preempted, and makes it anew under its name where the spec says so', async () => {
    const idle = { silenceTimeoutSeconds: 4, timeoutSeconds: 2, firstConnectTimeoutSeconds: 600 };
    const spot = { template: 'chat', spot: true, idle };
    const [kept, given] = await Promise.all([
      call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { ...spot, name: 'kept', onLost: 'recreate' }),
      call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { ...spot, name: 'given-up' }),
    ]);
    expect([kept.state, given.state]).toEqual(['running', 'running']);
    for (const [place, { labels }] of server.world.instances) {
      const [zone = '', instance = ''] = place.split('/');
      if (labels?.['ephemera-vm'] === 'kept' || labels?.['ephemera-vm'] === 'given-up') {
        server.world.preempt(zone, instance);
      }
    }
    const long = { ...WAIT, timeout: 60_000 };
    await vi.waitFor(
      async () => expect(await call('GET', '/v1/vms/given-up')).toMatchObject({ state: 'failed', reason: 'preempted' }),
      long,
    );
    const again = await vi.waitFor(async () => {
      const vm = await call('GET', '/v1/vms/kept');
      expect([vm.state, vm.machineId === kept.machineId]).toEqual(['running', false]);
      return vm;
    }, long);
    expect(again).toMatchObject({ uid: kept.uid, name: 'kept' });
    const timeline = await call('GET', '/v1/vms/kept/timeline');
    const { events } = timeline as unknown as { events: TimelineEntryView[] };
    expect(events).toContainEqual(expect.objectContaining({ state: 'destroying', reason: 'preempted' }));
    expect(await call('DELETE', '/v1/vms/kept?wait=destroyed&timeoutSeconds=60')).toMatchObject({
      reason: 'requested',
    });
    expect([server.world.instances.size, server.world.disks.size]).toEqual([0, 0]);
  });
});

const MOST_CALLS_PER_LIFE = 12;
const VM_SERVER_FILE = join(import.meta.dirname, '../../dist/vm-server.cjs');
const WAIT = { timeout: 20_000, interval: 200 };
