/** Joining as a host, against a real API and a real Temporal server. */
import { createPublicKey, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveKey, loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { proveEndpoint } from '../../../security/hosts/endpoint-proof.ts';
import { hostBearer } from '../../../security/hosts/host-bearer.ts';
import { hostKeys, hostKeysToText } from '../../../security/hosts/host-keys.ts';
import { JoinTokens } from '../../../security/hosts/join-tokens.ts';
import { keyFingerprint } from '../../../security/hosts/pinned-key.ts';
import { endpointKey } from '../../../test-support/hosts/endpoint-key.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import {
  runWorker,
  startVmHarness,
  workflowBundle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';

/** Long enough for the limit of refused tokens to be full again. */
const APART_MS = 120_000;

const ownKey = endpointKey();
const fingerprint = keyFingerprint({ publicKey: createPublicKey(ownKey) });

let harness: VmHarness;
let api: TestApi;
let now = Date.now();

beforeAll(async () => {
  harness = await startVmHarness();
  // Nobody works on this queue: joining needs no worker.
  api = await startTestApi(harness.server, uniqueName('join'), { now: () => now });
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

const aHost = () => ({ hostId: uniqueName('host'), hostKey: randomBytes(32).toString('hex') });

async function aToken(): Promise<string> {
  const made = await api.call('POST', '/v1/hosts/join-tokens', { key: api.keys.admin });
  expect(made.status).toBe(201);
  return made.body.token ?? '';
}

/** Of a host whose endpoint has the key of all hosts here, unless it says which. */
const withEndpoint = (token: string | null, body: object): object =>
  'hostId' in body
    ? { endpoint: proveEndpoint(ownKey, { hostId: String(body.hostId), token: token ?? '' }), ...body }
    : body;

const join = (token: string | null, body: object, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  api.call('POST', '/v1/hosts/join', { key: token, body: withEndpoint(token, body), headers });

const proofOf = ({ hostId }: { hostId: string }, token: string, key = ownKey) => proveEndpoint(key, { hostId, token });

const joins = async () => (await harness.server.client.workflow.count("WorkflowType = 'join'")).count;

describe('a join token of the API', () => {
  it('lets a computer join, without any worker, and tells it what a host needs and no more', async () => {
    const made = await api.call('POST', '/v1/hosts/join-tokens', { key: api.keys.admin });
    expect(made.body).toEqual({
      token: expect.stringMatching(/^eyJ/) as string,
      expiresAt: new Date(now + 15 * 60_000).toISOString(),
      // Not on the command line, which other users of the computer can read.
      command: `EPHEMERA_JOIN_TOKEN=${made.body.token ?? ''} npm run host -- --join ${api.settings.api.url}`,
    });
    const { status, text, body } = await join(made.body.token ?? '', aHost());
    const secret = loadDeploymentSecret(api.settings);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ deployment: 'test', version: expect.any(String) as string, providers: ['local'] },
      ...{ apiUrl: api.settings.api.url, controlTaskQueue: api.settings.temporal.controlTaskQueue },
      hostLostSeconds: 600,
      temporal: { address: harness.server.address, namespace: api.settings.temporal.namespace },
      keys: hostKeysToText(hostKeys(secret), hostBearer(secret, fingerprint)),
    });
    // Nor what bearers of hosts are made from.
    const forAll = ['internal', 'host-bearer'].map((label) => Buffer.from(deriveKey(secret, label)).toString('hex'));
    for (const hidden of [Buffer.from(secret).toString('hex'), ...forAll, ...Object.values(api.keys)]) {
      expect(text).not.toContain(hidden);
    }
  });

  it('is single-use, but the same host is answered again when its answer was lost', async () => {
    const [token, host, other] = [await aToken(), aHost(), aHost()];
    const first = await join(token, host);
    expect([first.status, (await join(token, host)).text]).toEqual([200, first.text]);
    for (const wrong of [other, { ...other, hostId: host.hostId }, { ...other, hostKey: host.hostKey }]) {
      const refused = await join(token, wrong);
      expect([refused.status, refused.body.code]).toEqual([409, 'joinTokenUsed']);
      expect(refused.text).toContain(`Host ${host.hostId} joined with this token`);
    }
  });

  it('is given to one of two hosts that use it at the same moment', async () => {
    const token = await aToken();
    const answers = await Promise.all([join(token, aHost()), join(token, aHost()), join(token, aHost())]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });

  it('stays used when its workflow has completed', async () => {
    const [token, host] = [await aToken(), aHost()];
    expect((await join(token, host)).status).toBe(200);
    const stop = await runWorker(harness.server, {
      taskQueue: api.settings.temporal.controlTaskQueue,
      workflowBundle: await workflowBundle(),
    });
    const claims = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { id: string };
    await harness.server.client.workflow.getHandle(`join/${claims.id}`).result();
    await stop();
    expect((await join(token, aHost())).body.code).toBe('joinTokenUsed');
    expect((await join(token, host)).status).toBe(200);
  });

  it('that is late, of another deployment, of another secret, or none at all is refused before anything is made', async () => {
    const secret = loadDeploymentSecret(api.settings);
    const before = await joins();
    const late = new JoinTokens(secret, 'test').issue(now - 15 * 60_000).token;
    for (const [token, status, code] of [
      [late, 401, 'joinTokenExpired'],
      [new JoinTokens(secret, 'production').issue(now).token, 403, 'joinTokenOfOtherDeployment'],
      [new JoinTokens(randomBytes(32), 'test').issue(now).token, 401, 'joinTokenInvalid'],
      [api.keys.admin, 401, 'joinTokenInvalid'],
      ['garbage', 401, 'joinTokenInvalid'],
      [null, 401, 'joinTokenInvalid'],
    ] as const) {
      const refused = await join(token, aHost());
      expect([refused.status, refused.body.code]).toEqual([status, code]);
    }
    expect(await joins()).toBe(before);
  });

  it('that is shown too often without being good has to wait', async () => {
    now += APART_MS;
    const tries = await Promise.all(Array.from({ length: 25 }, () => join('garbage', aHost())));
    expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([401, 429]));
    expect((await join(await aToken(), aHost())).status).toBe(200);
    now += APART_MS;
  });

  it.each(['none', 'a good one'])(
    'has to wait too when its body is wrong, and does not fill the audit log: %s',
    async (kind) => {
      const token = kind === 'none' ? null : await aToken();
      const lines = async (): Promise<number> => (await readFile(api.settings.api.auditLog, 'utf8')).split('\n').length;
      const before = await lines();
      const tries = await Promise.all(Array.from({ length: 60 }, () => join(token, {})));
      expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([token === null ? 401 : 400, 429]));
      expect((await lines()) - before).toBeLessThanOrEqual(20);
      now += APART_MS;
    },
  );
});

describe('a join', () => {
  it('with a wrong id, key or provider leaves the token unused', async () => {
    const [token, host] = [await aToken(), aHost()];
    for (const [wrong, code] of [
      [{ hostId: 'Not An Id' }, 'invalidRequest'],
      [{ hostKey: 'short' }, 'invalidRequest'],
      [{ secretKey: 'x' }, 'invalidRequest'],
      [{ endpoint: undefined }, 'invalidRequest'],
      // The key of another host, of which this one has not the private part.
      [
        { endpoint: { ...proofOf(host, token), publicKey: proofOf(host, token, endpointKey()).publicKey } },
        'invalidRequest',
      ],
      [{ endpoint: proofOf(host, await aToken()) }, 'invalidRequest'],
      [{ providers: ['gcp'] }, 'unknownProvider'],
      [{ providers: ['local', 'qemu'] }, 'unknownProvider'],
    ] as const) {
      const refused = await join(token, { ...host, ...wrong });
      expect([refused.status, refused.body.code]).toEqual([400, code]);
    }
    expect((await join(token, { ...host, providers: ['local'] })).status).toBe(200);
  });

  it('over plain HTTP from another computer is refused, and leaves the token unused', async () => {
    const near = await startTestApi(harness.server, api.settings.temporal.controlTaskQueue, {
      share: api,
      now: () => now,
      change: (settings) => {
        settings.api.trustedProxies = ['loopback'];
      },
    });
    try {
      const [token, host] = [await aToken(), aHost()];
      const ask = (address: string): Promise<ApiAnswer> =>
        near.call('POST', '/v1/hosts/join', {
          ...{ key: token, body: withEndpoint(token, host), headers: { 'x-forwarded-for': address } },
        });
      const refused = await ask('192.0.2.7');
      expect([refused.status, refused.body.code]).toEqual([400, 'insecureTransport']);
      expect((await ask('127.0.0.1')).status).toBe(200);
    } finally {
      await near.close();
    }
  });

  it('is in the audit log with the host and the id of the token, which is in it nowhere', async () => {
    const [token, host] = [await aToken(), aHost()];
    await join(token, host);
    await join(token, { ...aHost(), hostId: 'the-second' });
    const text = await readFile(api.settings.api.auditLog, 'utf8');
    const entries = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { action: string; target?: { hostId?: string; tokenId?: string } });
    const { id: tokenId } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
      id: string;
    };
    expect(entries.filter(({ target }) => target?.tokenId === tokenId)).toMatchObject([
      { action: 'createJoinToken', keyId: 'admin', status: 201 },
      { action: 'joinHost', status: 200, target: { hostId: host.hostId } },
      { action: 'joinHost', status: 409, code: 'joinTokenUsed', target: { hostId: 'the-second' } },
    ]);
    for (const secret of [token, token.split('.')[1] ?? '', host.hostKey]) expect(text).not.toContain(secret);
  });
});
