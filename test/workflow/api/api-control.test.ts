/** What administrators ask the API about the deployment itself: its keys, who did what, its sweeps, how its pools went. */
import { chmod, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditPageSchema } from '../../../api/audit/audit-schemas.ts';
import { keyListSchema, keySchema, madeKeySchema } from '../../../api/keys/key-schemas.ts';
import { poolHistorySchema } from '../../../api/schemas/pool.ts';
import { sweepRunListSchema } from '../../../api/service/sweeps/sweep-schemas.ts';
import type { SweepReport } from '../../../domain/machine/sweep.ts';
import { keysFile } from '../../../security/keys/keys-file.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { sceneOf } from '../../../test-support/workflow/pool-scene.ts';
import { runHost, runWorker, workflowBundle } from '../../../test-support/workflow/vm-harness.ts';
import { ensureSweepSchedules } from '../../../worker/temporal/sweep-schedule.ts';
import { sweepId } from '../../../domain/wire-names.ts';

let scene: ApiScene;
let api: TestApi;

beforeAll(async () => {
  scene = await startApiScene('api control');
  ({ api } = scene);
});
afterAll(async () => {
  await scene.stop();
});

const admin = (method: string, path: string, body?: object) =>
  api.call(method, path, { key: api.keys.admin, ...(body === undefined ? {} : { body }) });

/** What a key is answered with at a route that every good key may use. */
const statusWith = async (key: string, replica = api) => (await replica.call('GET', '/v1/vms', { key })).status;

async function newKey(changes: object = {}) {
  const answer = await admin('POST', '/v1/keys', { project: 'games', role: 'operator', ...changes });
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return madeKeySchema.parse(answer.body);
}

async function listed() {
  return keyListSchema.parse((await admin('GET', '/v1/keys')).body).keys;
}

describe('the keys of a deployment', () => {
  it('are made for any project, count at once, and are shown once', async () => {
    const made = await newKey({ label: 'lobby service', expiresAt: '2100-01-01T00:00:00+01:00' });
    expect(await statusWith(made.key)).toBe(200);
    const { key, ...kept } = made;
    expect(kept).toMatchObject({
      project: 'games',
      role: 'operator',
      state: 'good',
      expiresAt: '2099-12-31T23:00:00.000Z',
    });
    expect((await listed()).find(({ id }) => id === made.id)).toEqual(kept);
    const everywhere = [
      (await admin('GET', '/v1/keys')).text,
      await readFile(api.settings.api.auditLog, 'utf8'),
      await readFile(keysFile(api.settings.stateDir), 'utf8'),
    ];
    for (const text of everywhere) {
      expect(text).toContain(made.id);
      expect(text).not.toContain(key);
    }
    expect((await listed()).filter(({ isCaller }) => isCaller).map(({ id }) => id)).toEqual(['admin']);
  });

  it('are replaced, with a time in which old and new are good', async () => {
    const old = await newKey();
    const soon = madeKeySchema.parse((await admin('POST', `/v1/keys/${old.id}/rotate`, { overlapSeconds: 600 })).body);
    expect(await Promise.all([old, soon].map(({ key }) => statusWith(key)))).toEqual([200, 200]);
    const now = madeKeySchema.parse((await admin('POST', `/v1/keys/${soon.id}/rotate`, {})).body);
    expect(now).toMatchObject({ project: 'games', role: 'operator' });
    expect(await Promise.all([soon, now].map(({ key }) => statusWith(key)))).toEqual([401, 200]);
    const again = await admin('POST', `/v1/keys/${soon.id}/rotate`, {});
    expect([again.status, again.body.code]).toEqual([409, 'keyEnded']);
  });

  it('are revoked at once here, and within moments on other replicas of the state directory', async () => {
    const made = await newKey();
    const other = await startTestApi(scene.server, 'nobody-works-here', { share: api, waitUntilReady: false });
    try {
      const revoked = await admin('DELETE', `/v1/keys/${made.id}`);
      expect([revoked.status, keySchema.parse(revoked.body).state]).toEqual([200, 'revoked']);
      expect(await statusWith(made.key)).toBe(401);
      await eventually(async () => expect(await statusWith(made.key, other)).toBe(401), 5000);
    } finally {
      await other.close();
    }
    expect((await admin('DELETE', `/v1/keys/${made.id}`)).body.code).toBe('keyEnded');
    const unknown = await admin('DELETE', '/v1/keys/none');
    expect([unknown.status, unknown.body.code]).toEqual([404, 'unknownKey']);
  });

  it('that are asked for wrongly are not made', async () => {
    const before = (await listed()).length;
    for (const body of [
      { role: 'operator' },
      { project: 'Games', role: 'operator' },
      { project: 'games', role: 'root' },
      { project: 'games', role: 'admin', expiresAt: '2020-01-01T00:00:00Z' },
      { project: 'games', role: 'admin', key: 'eph_mine' },
    ]) {
      const answer = await admin('POST', '/v1/keys', body);
      expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'invalidRequest']);
    }
    const tooLong = await admin('POST', '/v1/keys/operator/rotate', { overlapSeconds: 1e9 });
    expect(tooLong.status).toBe(400);
    expect((await listed()).length).toBe(before);
  });

  it('keep one of an admin, unless it is forced', async () => {
    const own = await startTestApi(scene.server, 'nobody-works-here', { waitUntilReady: false });
    const revoke = (query = '') => own.call('DELETE', `/v1/keys/admin${query}`, { key: own.keys.admin });
    try {
      const refused = await revoke();
      expect([refused.status, refused.body.code]).toEqual([409, 'lastAdminKey']);
      expect((await revoke('?force=true')).status).toBe(200);
      expect((await revoke('?force=true')).status).toBe(401);
    } finally {
      await own.close();
    }
  });

  it('are not changed where the replica reads a read-only copy', async () => {
    const own = await startTestApi(scene.server, 'nobody-works-here', { waitUntilReady: false });
    const file = keysFile(own.settings.stateDir);
    try {
      await chmod(file, 0o400);
      const before = await readFile(file, 'utf8');
      const body = { project: 'games', role: 'viewer' };
      const answers = [
        await own.call('POST', '/v1/keys', { key: own.keys.admin, body }),
        await own.call('POST', '/v1/keys/other/rotate', { key: own.keys.admin, body: {} }),
        await own.call('DELETE', '/v1/keys/other', { key: own.keys.admin }),
      ];
      for (const answer of answers) expect([answer.status, answer.body.code]).toEqual([409, 'keysNotWritable']);
      expect(await readFile(file, 'utf8')).toBe(before);
    } finally {
      await own.close();
    }
  });
});

describe('who did what', () => {
  const audit = async (query: string) => auditPageSchema.parse((await admin('GET', `/v1/audit${query}`)).body);

  it('is shown newest first, of all projects, and by what is asked for', async () => {
    const name = uniqueName();
    const made = await api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    expect(made.status).toBe(201);
    await api.call('POST', `/v1/vms/${name}/drain`);
    await api.call('DELETE', `/v1/vms/${name}`, { key: api.keys.other });
    const { entries, unreadable, nextPageToken } = await audit(`?vm=${name}`);
    expect([unreadable, nextPageToken]).toEqual([0, undefined]);
    expect(entries).toMatchObject([
      { action: 'destroyVm', project: 'other', keyId: 'other', status: 404, code: 'unknownVm' },
      { action: 'drainVm', project: 'default', status: 200 },
      { action: 'createVm', keyId: 'operator', status: 201, uid: made.body.uid },
    ]);
    const first = await audit(`?vm=${name}&pageSize=2`);
    const second = await audit(`?vm=${name}&pageSize=2&pageToken=${first.nextPageToken ?? ''}`);
    expect([...first.entries, ...second.entries]).toEqual(entries);
    expect((await audit(`?vm=${name}&project=other`)).entries).toEqual(entries.slice(0, 1));
    const { at } = entries[1]!;
    expect((await audit(`?vm=${name}&until=${at}`)).entries).not.toContainEqual(entries[1]);
    const bad = await admin('GET', '/v1/audit?since=yesterday');
    expect([bad.status, bad.body.code]).toEqual([400, 'invalidRequest']);
  });

  it('names the keys that were made and ended, and never a key', async () => {
    const made = await newKey();
    await admin('DELETE', `/v1/keys/${made.id}`);
    const { entries } = await audit('?keyId=admin&pageSize=2');
    expect(entries).toMatchObject([
      { action: 'revokeKey', target: { id: made.id } },
      { action: 'createKey', target: { id: made.id, project: 'games', role: 'operator' } },
    ]);
  });

  it('is not to be had here where it goes to standard output', async () => {
    const own = await startTestApi(scene.server, 'nobody-works-here', {
      waitUntilReady: false,
      change: (settings) => {
        settings.api.auditLog = '-';
      },
    });
    try {
      const answer = await own.call('GET', '/v1/audit', { key: own.keys.admin });
      expect([answer.status, answer.body.code]).toEqual([409, 'auditNotReadable']);
    } finally {
      await own.close();
    }
  });
});

describe('the last sweeps', () => {
  it('say what they found and did, whichever replica is asked', async () => {
    const queue = uniqueName('sweeps');
    const machine = (project: string) => ({
      ...{ machineId: `m-of-${project}`, provider: 'local', project, vm: 'lobby' },
      ...({ verdict: 'orphan', action: 'destroyed' } as const),
    });
    const report: SweepReport = {
      ...{ at: new Date().toISOString(), dryRun: false, owned: 3 },
      machines: ['default', 'other'].map(machine),
      lost: [{ workflowId: 'vm/default/lobby', machineId: 'm-1', action: 'notified' }],
    };
    const { client } = scene.server;
    const stops = await Promise.all([
      runWorker(scene.server, { taskQueue: queue, workflowBundle: await workflowBundle() }),
      runHost(scene.server, queue, { sweepMachines: () => Promise.resolve(report) }),
    ]);
    const deployment = uniqueName('deployment');
    const change = (settings: TestApi['settings']) => {
      settings.deployment = deployment;
    };
    const replicas = [await startTestApi(scene.server, queue, { change, waitUntilReady: false })];
    try {
      await ensureSweepSchedules(client, { ...replicas[0]!.settings, sweepIntervalSeconds: 3600 });
      await client.schedule.getHandle(sweepId(deployment)).trigger();
      replicas.push(await startTestApi(scene.server, queue, { change, share: replicas[0]!, waitUntilReady: false }));
      for (const replica of replicas) {
        await eventually(async () => {
          const { body } = await replica.call('GET', '/v1/sweep/findings', { key: replica.keys.admin });
          const { runs } = sweepRunListSchema.parse(body);
          // Of the machines of another project nothing is said.
          expect(runs).toMatchObject([{ state: 'completed', reports: [{ owned: 3 }] }]);
          expect(runs[0]?.reports).toEqual([{ ...report, machines: [machine('default')] }]);
        }, 60_000);
      }
      const none = await replicas[0]!.call('GET', '/v1/sweep/findings?limit=0', { key: replicas[0]!.keys.admin });
      expect(none.status).toBe(400);
    } finally {
      await client.schedule.getHandle(sweepId(deployment)).delete();
      await Promise.all(replicas.reverse().map((replica) => replica.close()));
      await Promise.all(stops.map((stop) => stop()));
    }
  });
});

describe('how a pool went', () => {
  const historyOf = async (template: string) => {
    const answer = await api.call('GET', `/v1/pools/${template}/history`, { key: api.keys.viewer });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
    return poolHistorySchema.parse(answer.body);
  };

  it('is told by the pool itself, also after it has gone on in a fresh history', async () => {
    const { configure } = sceneOf(scene.server, scene.queue);
    const pool = await configure({ warm: { min: 2, max: 4, ttlSeconds: 600 } }, { historyLimitEvents: 30 });
    await pool.until({ ready: 2, inFlight: 0 });
    const first = (await pool.handle.describe()).runId;
    for (let claimed = 1; claimed <= 6; claimed += 1) {
      await pool.claim(uniqueName());
      await pool.until({ claimed, inFlight: 0 });
    }
    expect((await pool.handle.describe()).runId).not.toBe(first);
    const history = await historyOf(pool.name);
    expect(history).toMatchObject({ template: pool.name, since: history.samples[0]!.at });
    expect(history.samples.at(-1)).toMatchObject({ claimed: 6, missed: 0, inFlight: 0 });
    const totals = history.samples.map(({ claimed }) => claimed);
    expect(totals).toEqual([...totals].sort((a, b) => a - b));
  });

  it('is not told of what has no pool, nor of a pool of another project', async () => {
    const missing = await api.call('GET', `/v1/pools/${uniqueName()}/history`);
    expect([missing.status, missing.body.code]).toEqual([404, 'poolNotFound']);
    const { configure } = sceneOf(scene.server, scene.queue);
    const pool = await configure({ warm: { min: 1, max: 1, ttlSeconds: 600 } });
    await pool.until({ ready: 1 });
    const foreign = await api.call('GET', `/v1/pools/${pool.name}/history`, { key: api.keys.other });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'poolNotFound']);
  });
});
