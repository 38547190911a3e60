/**
 * What happens to single hosts of a deployment while the others go on: a disk that is full, clocks that are a minute off
 * to either side, a network that is cut for a while. Each host is a process with a state directory of its own.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { proveEndpoint } from '../../security/hosts/endpoint-proof.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { endpointKey } from '../../test-support/hosts/endpoint-key.ts';
import { shiftedClock, startFleet, type Fleet, type FleetHost } from '../../test-support/hosts/fleet.ts';
import { CHAT_PORT, stateOfHost, type ReachedVm } from '../../test-support/hosts/fleet-vms.ts';
import { smallDisk, whyNoSmallDisk, type SmallDisk } from '../../test-support/machines/small-disk.ts';
import { eventually, machineIdsIn, seeVm, type ApiAnswer } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const MINUTE_MS = 60_000;
const noDisk = whyNoSmallDisk();

let server: TestServer;
let disk: SmallDisk | undefined;
let fleet: Fleet;
/** One with a small disk; one whose clock is a minute fast; one whose clock is a minute slow. */
let small: FleetHost;
let fast: FleetHost;
let slow: FleetHost;
beforeAll(async () => {
  server = await startTestServer();
  if (noDisk === undefined) disk = await smallDisk(64);
  fleet = await startFleet({
    server,
    hosts: 3,
    apiReplicas: 2,
    // What one replica issues another one checks.
    apiEnv: (index) => (index === 1 ? shiftedClock(-MINUTE_MS) : {}),
    env: { EPHEMERA_SWEEP_INTERVAL_SECONDS: '5', EPHEMERA_HOST_CPUS: '64', EPHEMERA_HOST_MEMORY_MB: '65536' },
    hostEnv: (index) => ({
      EPHEMERA_HOST_LABELS: `name=host-${index}`,
      ...(index === 1 ? { ...shiftedClock(MINUTE_MS), EPHEMERA_LOCAL_AGENT_TRANSPORT: 'http' } : {}),
      ...(index === 2 ? shiftedClock(-MINUTE_MS) : {}),
    }),
    stateDirOf: (index) =>
      index === 0 && disk !== undefined ? Promise.resolve(disk.path) : mkdtemp(join(tmpdir(), 'eph-')),
  });
  [small, fast, slow] = fleet.hosts as [FleetHost, FleetHost, FleetHost];
});
afterAll(async () => {
  await fleet.stop();
  await disk?.remove();
  await server.stop();
});

/** Nobody says anything for two minutes before a rule about silence is asked. */
const PATIENT = { firstConnectTimeoutSeconds: 300, silenceTimeoutSeconds: 120 };

function create(host: FleetHost | null, idle: object, query = ''): Promise<ApiAnswer> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const where = host === null ? {} : { hostSelector: { name: host.id } };
  return fleet.stack.call('POST', `/v1/vms${query}`, { name, template: 'chat', idle, ...where });
}

async function readyOn(host: FleetHost | null, idle: object = {}): Promise<ReachedVm> {
  const { status, body } = await create(host, { ...PATIENT, ...idle }, '?wait=ready&timeoutSeconds=60');
  expect({ status, state: body.state }, JSON.stringify(body)).toEqual({ status: 201, state: 'running' });
  if (host !== null) expect(body.host).toBe(host.id);
  return { ...body, ip: body.address!.ip };
}

const see = (name: string, what: string, wanted: (vm: VmView) => boolean, deadlineMs?: number): Promise<VmView> =>
  seeVm({ ...fleet.stack, logs: fleet.logs }, name, what, wanted, deadlineMs);
const until = (what: string, isSo: () => Promise<boolean>, deadlineMs?: number): Promise<true> =>
  eventually(fleet, what, async () => ((await isSo()) ? true : undefined), deadlineMs);

const stateOf = ({ id }: FleetHost): Promise<string | undefined> => stateOfHost(fleet, id);

async function endAll(...vms: { name: string }[]): Promise<void> {
  await Promise.all(vms.map(({ name }) => fleet.stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`)));
}

describe.skipIf(noDisk)('a host whose disk is full', () => {
  it('makes no VM and says why, others make them; users and deadlines of its VMs go on, and it recovers', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const used = await readyOn(small);
    const leaving = await readyOn(small, { timeoutSeconds: 2 });
    const [ann, bob] = [
      await joinChat(used.ip, CHAT_PORT, 'lobby', 'ann'),
      await joinChat(leaving.ip, CHAT_PORT, 'lobby', 'bob'),
    ];
    await see(leaving.name, 'its user', ({ connections }) => connections === 1);
    await disk!.fill(0);

    const waiting = (await create(small, PATIENT)).body;
    await see(
      waiting.name,
      'why it waits',
      ({ detail }) => detail?.includes('has no room for another machine') === true,
    );
    const elsewhere = await Promise.all(Array.from({ length: 4 }, () => readyOn(null)));
    for (const { host } of elsewhere) expect(host).not.toBe(small.id);

    await bob.leave();
    await see(leaving.name, 'its end', ({ state, reason }) => state === 'destroyed' && reason === 'idle');
    ann.say('still here');
    await ann.hears('still here');
    expect(await machineIdsIn(small.stateDir)).toEqual([used.machineId]);
    expect(await stateOf(small)).toBe('ready');

    await disk!.makeRoom();
    const made = await see(waiting.name, 'its start', ({ state }) => state === 'running');
    expect(made.host).toBe(small.id);
    expect((await see(used.name, 'its user', ({ connections }) => connections === 1)).machineId).toBe(used.machineId);
    await ann.leave();
    await endAll(used, waiting, ...elsewhere);
  });
});

describe('hosts whose clocks are two minutes apart', () => {
  it('serve alike: counts, deadlines, leases, sweeps, consoles and tokens hold', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const vms = await Promise.all([readyOn(fast), readyOn(slow), readyOn(fast), readyOn(slow, { timeoutSeconds: 2 })]);
    const [onFast, onSlow, orphaned, leaving] = vms;
    const users = await Promise.all(vms.map(({ ip }) => joinChat(ip, CHAT_PORT, 'lobby', 'ann')));
    for (const { name } of vms) await see(name, 'its user', ({ connections }) => connections === 1);
    for (const { name, machineId } of [onFast, onSlow]) {
      const { status, body } = await fleet.stack.call('GET', `/v1/vms/${name}/console`);
      expect([status, body['text']]).toEqual([200, expect.stringContaining(machineId)]);
    }

    await users[3]!.leave();
    const leftAt = Date.now();
    await server.client.workflow.getHandle(vmWorkflowId('default', orphaned.name)).terminate('an orphan, please');
    await until('the end of the orphan', async () => !(await machineIdsIn(fast.stateDir)).includes(orphaned.machineId));
    const ended = await see(leaving.name, 'its end', ({ state }) => state === 'destroyed');
    expect(ended.reason).toBe('idle');
    expect(Date.parse(ended.endedAt!) - leftAt).toBeGreaterThan(1900);

    for (const [at, vm] of [onFast, onSlow].entries()) {
      const now = await see(vm.name, 'its user', ({ connections }) => connections === 1);
      expect([now.state, now.machineId, now.health]).toEqual(['running', vm.machineId, 'ok']);
      users[at]!.say('still here');
      await users[at]!.hears('still here');
    }
    expect(await Promise.all(fleet.hosts.map(stateOf))).toEqual(['ready', 'ready', 'ready']);
    await Promise.all(users.map((user) => user.leave()));
    await endAll(onFast, onSlow);
  });

  it('join by a token that a replica with another clock checks, and with that token once', async () => {
    const { body } = await fleet.stack.call('POST', '/v1/hosts/join-tokens', undefined, 0);
    const token = String(body['token']);
    const join = (hostId: string): Promise<Response> =>
      fetch(`${fleet.stack.apis[1]!.url}/v1/hosts/join`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ hostId, hostKey: randomBytes(32).toString('hex') },
          endpoint: proveEndpoint(endpointKey(), { hostId, token }),
        }),
      });
    const first = await join('joins');
    expect([first.status, await first.text()]).toEqual([200, expect.stringContaining(server.address)]);
    expect((await join('comes-late')).status).toBe(409);
  });
});

describe('a host that is cut off from Temporal while its guests serve', () => {
  it('keeps its users; afterwards every count is right, and only a VM that really got empty ends', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const used = await readyOn(small);
    const left = await readyOn(small, { timeoutSeconds: 2 });
    const joined = await readyOn(small, { firstConnectTimeoutSeconds: 6 });
    const [ann, bob] = [
      await joinChat(used.ip, CHAT_PORT, 'lobby', 'ann'),
      await joinChat(left.ip, CHAT_PORT, 'lobby', 'bob'),
    ];
    for (const { name } of [used, left]) await see(name, 'its user', ({ connections }) => connections === 1);

    small.network.cut();
    const carol = await joinChat(joined.ip, CHAT_PORT, 'lobby', 'carol');
    await bob.leave();
    await until('the host away', async () => (await stateOf(small)) === 'away');
    for (const user of [ann, carol]) {
      user.say('still here');
      await user.hears('still here');
    }
    small.network.heal();

    await until('the host ready', async () => (await stateOf(small)) === 'ready');
    const ended = await see(left.name, 'its end', ({ state }) => state === 'destroyed');
    expect(ended.reason).toBe('idle');
    for (const { name, machineId } of [used, joined]) {
      const now = await see(name, 'its user', ({ connections, health }) => connections === 1 && health === 'ok');
      expect([now.state, now.machineId]).toEqual(['running', machineId]);
    }
    await Promise.all([ann.leave(), carol.leave()]);
    await endAll(used, joined);
    await until('nothing left', async () => (await machineIdsIn(small.stateDir)).length === 0);
  });
});
