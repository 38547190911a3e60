/** Machines against each other: a token speaks for its own machine's VM, while that machine is the current one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { addKey } from '../../../security/keys/key-changes.ts';
import { SPOILS } from '../../../test-support/hostile-tokens.ts';
import { seededRandom } from '../../../test-support/seeded-random.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

interface Machine {
  name: string;
  workflowId: string;
  machineId: string;
  key: string;
  secret: string;
  nonce: string;
  token: string;
}

const PROJECTS = ['default', 'default', 'other'];
/** Fits what one address may try in a burst, and goes through the whole API. */
const SAMPLE = 130;

let harness: VmHarness;
let api: TestApi;
let tokens: AgentTokens;
const keyOf = new Map<string, string>();
const machines: Machine[] = [];

beforeAll(async () => {
  harness = await startVmHarness();
  const { queue } = await harness.park('security agents');
  api = await startTestApi(harness.server, queue, {
    change: async ({ stateDir }) => {
      for (const project of new Set(PROJECTS)) {
        keyOf.set(project, (await addKey(stateDir, { project, role: 'operator' }, Date.now())).key);
      }
    },
  });
  tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
  for (const project of PROJECTS) machines.push(await newMachine(project));
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

async function newMachine(project: string, name = uniqueName('m')): Promise<Machine> {
  const key = keyOf.get(project) ?? '';
  const made = await api.call('POST', '/v1/vms?wait=ready', { key, body: { name, template: 'chat' } });
  expect(made.status).toBe(201);
  const subject = { workflowId: made.body.workflowId, machineId: made.body.machineId ?? '' };
  const secret = tokens.issue('bootstrap', subject, Date.now());
  const nonce = uniqueName('nonce');
  const granted = await exchange(secret, nonce);
  expect(granted.status).toBe(200);
  return { ...subject, name, key, secret, nonce, token: granted.body.token ?? '' };
}

const exchange = (secret: string, nonce: string) =>
  api.call('POST', '/v1/agent/exchange', { key: null, body: { secret, nonce } });

const report = (token: string, connections: number): Promise<ApiAnswer> =>
  api.call('POST', '/v1/agent/report', {
    key: token,
    body: { sequence: 1000 + connections, connections, ready: true, calmMs: 60_000, forwarded: null },
  });

const counts = () =>
  Promise.all(
    machines.map(
      async ({ name, key }) => (await api.call('GET', `/v1/vms/${name}?fresh=true`, { key })).body.connections,
    ),
  );

const isRefused = ({ status, body }: ApiAnswer) => expect([status, body.code]).toEqual([401, 'tokenRefused']);

async function historyLengths(): Promise<number[]> {
  const described = machines.map(({ workflowId }) => harness.server.client.workflow.getHandle(workflowId).describe());
  return (await Promise.all(described)).map(({ historyLength }) => historyLength);
}

describe("a machine's token", () => {
  it('reports for its own VM and for no other', async () => {
    for (const [index, { token }] of machines.entries()) {
      const before = await counts();
      expect((await report(token, 10 + index)).status).toBe(200);
      expect(await counts()).toEqual(before.map((count, position) => (position === index ? 10 + index : count)));
    }
  });

  it('opens nothing of the API, for its own VM or another', async () => {
    for (const { token, secret } of machines) {
      for (const { name } of machines) {
        for (const key of [token, secret]) {
          expect((await api.call('GET', `/v1/vms/${name}`, { key })).status).toBe(401);
          expect((await api.call('DELETE', `/v1/vms/${name}`, { key })).status).toBe(401);
          expect((await api.call('POST', `/v1/vms/${name}/hold`, { key, body: { seconds: 9 } })).status).toBe(401);
        }
      }
    }
  });

  it("is refused for every other VM, even where the deployment's own key signed the pair", async () => {
    const before = await historyLengths();
    for (const { workflowId, machineId } of machines) {
      for (const other of machines.filter((machine) => machine.machineId !== machineId)) {
        const pair = { workflowId: other.workflowId, machineId };
        isRefused(await report(tokens.issue('report', pair, Date.now()), 77));
        isRefused(await exchange(tokens.issue('bootstrap', pair, Date.now()), uniqueName('nonce')));
      }
      for (const elsewhere of ['vm/default/none', 'sweep/test', `${workflowId}/x`, '', '../vm', "x' OR 'a'='a"]) {
        isRefused(await report(tokens.issue('report', { workflowId: elsewhere, machineId }, Date.now()), 77));
      }
    }
    expect(await counts()).not.toContain(77);
    expect(await historyLengths()).toEqual(before);
  });
});

describe('a bootstrap secret', () => {
  it('is good for one caller: again for a lost reply, for nobody else', async () => {
    for (const { secret, nonce } of machines) {
      expect((await exchange(secret, nonce)).status).toBe(200);
      for (const other of [`${nonce}x`, nonce.toUpperCase(), uniqueName('nonce')]) {
        isRefused(await exchange(secret, other));
      }
      isRefused(await report(secret, 77));
    }
  });

  it('of a machine says nothing about a secret of another', async () => {
    const [first, second] = machines;
    isRefused(await exchange(first?.secret ?? '', second?.nonce ?? ''));
    isRefused(await exchange(first?.token ?? '', first?.nonce ?? ''));
  });
});

describe('a replay', () => {
  it('of anything of an earlier life is refused, after the destroy and in the next life of the name', async () => {
    const old = await newMachine('default');
    expect((await report(old.token, 1)).status).toBe(200);
    await api.call('DELETE', `/v1/vms/${old.name}?wait=destroyed`, { key: old.key });
    const replay = async () => {
      isRefused(await report(old.token, 9));
      isRefused(await exchange(old.secret, old.nonce));
      isRefused(await exchange(old.secret, uniqueName('nonce')));
    };
    await replay();
    const next = await newMachine('default', old.name);
    expect([next.workflowId, next.machineId === old.machineId]).toEqual([old.workflowId, false]);
    await replay();
    const { body } = await api.call('GET', `/v1/vms/${old.name}?fresh=true`, { key: next.key });
    expect([body.machineId, body.connections]).toEqual([next.machineId, 0]);
    expect((await report(next.token, 2)).status).toBe(200);
  });
});

describe('spoiled tokens through the whole API', () => {
  it('change nothing, and a good one works after them', async () => {
    const random = seededRandom(7);
    const spoils = Object.values(SPOILS);
    const { token, secret, nonce } = await newMachine('default');
    const before = [await counts(), await historyLengths()];
    const refused = await Promise.all(
      Array.from({ length: SAMPLE }, async (_, index) => {
        const spoil = spoils[index % spoils.length] ?? String;
        const [badToken, badSecret] = [spoil(token, random), spoil(secret, random)];
        // What a header cannot carry never leaves the client, and white space around a token is no part of it.
        const fits = /^[\x21-\x7e]+$/.test(badToken) && badToken !== token;
        const answers = [
          ...(fits ? [await report(badToken, 66)] : []),
          ...(badSecret === secret ? [] : [await exchange(badSecret, nonce)]),
        ];
        return answers.map(({ status }) => status);
      }),
    );
    // 400: it is too long or empty, and does not even fit the schema.
    expect(refused.flat().filter((status) => status !== 401 && status !== 400)).toEqual([]);
    expect(refused.flat().length).toBeGreaterThan(SAMPLE);
    expect([await counts(), await historyLengths()]).toEqual(before);
    expect((await report(token, 5)).status).toBe(200);
  });
});
