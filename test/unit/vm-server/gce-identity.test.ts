import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GceIdentityVerifier } from '../../../providers/gcp/instance-identity.ts';
import {
  InstanceBindings,
  isInstanceProof,
  verifyInstanceProof,
  type TrustedInstances,
} from '../../../security/agents/instance-proofs.ts';
import { gceProof } from '../../../vm-server/platform/gce/gce-identity.ts';
import {
  AUDIENCE,
  INSTANCE,
  newSigner,
  NOW,
  part,
  tokenBy,
  type Signer,
} from '../../../test-support/gce-identity-tokens.ts';

const signer = newSigner('k1');
let published: Signer[];
let fetches: number;
let server: Server;
let keysUrl: string;
let identityToken: string;
let metadataHeaders: (string | string[] | undefined)[];

beforeEach(async () => {
  published = [signer];
  fetches = 0;
  metadataHeaders = [];
  identityToken = tokenBy(signer);
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/certs') {
      fetches += 1;
      response.setHeader('cache-control', 'public, max-age=600');
      response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
      return;
    }
    metadataHeaders.push(request.headers['metadata-flavor']);
    if (url.pathname.endsWith('/attributes/ephemera-agent-binding')) response.end('the-binding');
    else if (url.searchParams.get('audience') === AUDIENCE) response.end(identityToken);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keysUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs`;
});
afterEach(() => server.close());

const verifier = (): GceIdentityVerifier => new GceIdentityVerifier({ project: 'p1', audience: AUDIENCE, keysUrl });
const check = (token: unknown, now = NOW): Promise<unknown> =>
  verifier().verify(token, { instanceName: INSTANCE, zones: ['us-central1-a'], instanceId: '77' }, now);

describe('an instance identity token', () => {
  it('of the expected instance is believed', async () => {
    expect(await check(tokenBy(signer))).toEqual({ instanceId: '77', instanceName: INSTANCE, zone: 'us-central1-a' });
  });

  const wrong: [string, () => string, number?][] = [
    ['for another audience', () => tokenBy(signer, { aud: 'https://other.test' })],
    ['of another issuer', () => tokenBy(signer, { iss: 'https://evil.test' })],
    ['of another project', () => tokenBy(signer, {}, { project_id: 'p2' })],
    ['of another zone', () => tokenBy(signer, {}, { zone: 'us-central1-f' })],
    ['of another instance id', () => tokenBy(signer, {}, { instance_id: '78' })],
    ['of another instance name', () => tokenBy(signer, {}, { instance_name: 'eph-test-m-2' })],
    ['without an instance', () => tokenBy(signer, { google: {} })],
    ['that expired', () => tokenBy(signer), NOW + 2 * 3600 * 1000],
    ['from the future', () => tokenBy(signer, { iat: NOW / 1000 + 600 })],
    ['signed by a stranger', () => tokenBy({ ...newSigner('k1') })],
    ['of a key nobody published', () => tokenBy(newSigner('k9'))],
    ['with changed claims', () => tokenBy(signer).replace(/\.[^.]+\./, `.${part({ iss: 'x' })}.`)],
    ['without a signature', () => `${part({ alg: 'none', kid: 'k1' })}.${part({})}.x`],
    ['that is none', () => 'hello'],
  ];
  it.each(wrong)('%s is refused', async (_, token, now) => {
    expect(await check(token(), now)).toBeUndefined();
  });

  it('costs one fetch of the keys for many tokens, and one more when a new key signs', async () => {
    const identities = verifier();
    const expected = { instanceName: INSTANCE };
    await Promise.all(Array.from({ length: 5 }, () => identities.verify(tokenBy(signer), expected, NOW)));
    expect(fetches).toBe(1);
    const next = newSigner('k2');
    published = [signer, next];
    expect(await identities.verify(tokenBy(next), expected, NOW + 1000)).toBeUndefined();
    expect(fetches).toBe(1);
    expect(await identities.verify(tokenBy(next), expected, NOW + 31_000)).toBeDefined();
    expect(await identities.verify(tokenBy(signer), expected, NOW + 32_000)).toBeDefined();
    expect(fetches).toBe(2);
    expect(await identities.verify(tokenBy(signer), expected, NOW + 700_000)).toBeDefined();
    expect(fetches).toBe(3);
  });

  it('cannot be judged without keys, which is an error and not a refusal', async () => {
    const lost = new GceIdentityVerifier({ project: 'p1', audience: AUDIENCE, keysUrl: 'http://127.0.0.1:1/certs' });
    await expect(lost.verify(tokenBy(signer), { instanceName: INSTANCE }, NOW)).rejects.toThrow();
  });
});

describe('the proof of an agent', () => {
  const bindings = new InstanceBindings(randomBytes(32), 'test', 'gce');
  const subject = { workflowId: 'vm/default/lobby', machineId: 'm-1', instanceName: INSTANCE };
  const parts = (): TrustedInstances[] => [{ proofWord: 'gce', bindings, identities: verifier() }];

  it('is made from the metadata server of the instance, which is told that no browser asks', async () => {
    const metadataUrl = new URL('/', keysUrl).href;
    expect(await gceProof({ apiUrl: AUDIENCE, metadataUrl })).toBe(`gce the-binding ${identityToken}`);
    expect(metadataHeaders).toEqual(['Google', 'Google']);
    await expect(gceProof({ apiUrl: 'https://other.test', metadataUrl, pauseMs: 1 })).rejects.toThrow(/answers 404/);
  });

  it('says for which VM it speaks', async () => {
    const proof = `gce ${bindings.issue(subject, NOW)} ${tokenBy(signer)}`;
    expect(isInstanceProof(proof)).toBe(true);
    expect(await verifyInstanceProof(proof, parts(), NOW)).toEqual({
      workflowId: 'vm/default/lobby',
      machineId: 'm-1',
      nonce: 'gce-77',
    });
  });

  it('is nothing with the binding of another instance, another deployment, or an old one', async () => {
    const other = bindings.issue({ ...subject, machineId: 'm-2', instanceName: 'eph-test-m-2' }, NOW);
    const foreign = new InstanceBindings(randomBytes(32), 'test', 'gce').issue(subject, NOW);
    const old = bindings.issue(subject, NOW - 32 * 24 * 3600 * 1000);
    for (const binding of [other, foreign, old, 'x.y', 'x']) {
      expect(await verifyInstanceProof(`gce ${binding} ${tokenBy(signer)}`, parts(), NOW)).toBeUndefined();
    }
  });

  it('is nothing with a binding alone', async () => {
    const binding = bindings.issue(subject, NOW);
    for (const proof of [`gce ${binding}`, `gce ${binding} `, `gce ${binding} x`, binding, `gce ${binding} a b`]) {
      expect(await verifyInstanceProof(proof, parts(), NOW)).toBeUndefined();
    }
  });
});
