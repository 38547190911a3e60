/** Spoiled, swapped, stale and foreign tokens against the functions that really verify them: none is believed. */
import { createHash, createHmac, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentTokens, type AgentTokenKind } from '../../../security/agents/agent-tokens.ts';
import { ApiKeyStore } from '../../../security/keys/api-keys.ts';
import { deriveKey } from '../../../security/sealing/deployment-secret.ts';
import { GceIdentityVerifier } from '../../../providers/gcp/instance-identity.ts';
import {
  InstanceBindings,
  verifyInstanceProof,
  type TrustedInstances,
} from '../../../security/agents/instance-proofs.ts';
import { addKey } from '../../../security/keys/key-changes.ts';
import { AUDIENCE, INSTANCE, newSigner, NOW, tokenBy } from '../../../test-support/gce-identity-tokens.ts';
import { asJson, claimsIn, SPOILS } from '../../../test-support/hostile-tokens.ts';
import { seededRandom } from '../../../test-support/seeded-random.ts';

const SEED = Number(process.env['EPHEMERA_TEST_SEED'] ?? 20_261_121);
const SECRET = new Uint8Array(32).fill(7);
const OTHER_SECRET = new Uint8Array(32).fill(8);
const SUBJECT = { workflowId: 'vm/default/lobby', machineId: 'm-1' };
const VICTIM = { workflowId: 'vm/default/vault', machineId: 'm-2' };
const KINDS = ['bootstrap', 'report'] as const;
const spoils = Object.entries(SPOILS);
const random = seededRandom(SEED);

/** The i-th spoiled form of a token; where a way changes nothing of it, the next one does. */
function spoiled(token: string, index: number): [string, string] {
  const [how, spoil] = spoils[index % spoils.length]!;
  const made = spoil(token, random);
  return made === token ? spoiled(token, index + 1) : [how, made];
}

describe(`agent tokens (seed ${SEED})`, () => {
  const tokens = new AgentTokens(SECRET, 'blue');
  const other = (kind: AgentTokenKind) => KINDS.find((name) => name !== kind)!;

  it('that were spoiled anywhere are refused, 6,000 of them', () => {
    for (let index = 0; index < 6000; index += 1) {
      const kind = KINDS[index % 2]!;
      const [how, token] = spoiled(tokens.issue(kind, SUBJECT, NOW), index >> 1);
      expect([how, token, tokens.verify(kind, token, NOW)]).toEqual([how, token, undefined]);
    }
  });

  it('with other claims under an old signature, or signed with another key, are refused, 1,000 of them', () => {
    for (let index = 0; index < 1000; index += 1) {
      const kind = KINDS[index % 2]!;
      const [payload, mac] = tokens.issue(kind, SUBJECT, NOW).split('.');
      const forged = { ...claimsIn(payload), ...CLAIMS[random(CLAIMS.length)] };
      const key = KEYS[random(KEYS.length)]!(kind);
      const signed = asJson(forged);
      const ownMac = createHmac('sha256', key).update(signed).digest('base64url');
      for (const token of [`${signed}.${mac}`, `${signed}.${ownMac}`, `${payload}.${ownMac}`]) {
        if (token === `${payload}.${mac}`) continue;
        expect([forged, tokens.verify(kind, token, NOW)]).toEqual([forged, undefined]);
      }
    }
  });

  it('in the form of other systems, of another kind, deployment or time are refused', () => {
    for (const kind of KINDS) {
      const claims = { deployment: 'blue', ...SUBJECT, issuedAt: NOW, expiresAt: NOW + 60_000 };
      for (const alg of ['none', 'None', 'NONE', 'HS256', 'RS256']) {
        const head = asJson({ alg, typ: 'JWT' });
        const body = asJson(claims);
        for (const end of ['', '.', `.${tokens.issue(kind, SUBJECT, NOW).split('.')[1]}`]) {
          expect(tokens.verify(kind, `${head}.${body}${end}`, NOW)).toBeUndefined();
        }
      }
      expect(tokens.verify(kind, tokens.issue(other(kind), SUBJECT, NOW), NOW)).toBeUndefined();
      expect(tokens.verify(kind, new AgentTokens(SECRET, 'green').issue(kind, SUBJECT, NOW), NOW)).toBeUndefined();
      expect(tokens.verify(kind, new AgentTokens(OTHER_SECRET, 'blue').issue(kind, SUBJECT, NOW), NOW)).toBeUndefined();
      expect(tokens.verify(kind, tokens.issue(kind, SUBJECT, NOW - 2 * 3_600_000), NOW)).toBeUndefined();
      expect(tokens.verify(kind, tokens.issue(kind, SUBJECT, NOW + 3_600_000), NOW)).toBeUndefined();
      for (const odd of [null, {}, [], 7, true, new String('x'), Buffer.from('x')]) {
        expect(tokens.verify(kind, odd, NOW)).toBeUndefined();
      }
    }
  });

  const CLAIMS: readonly Record<string, unknown>[] = [
    VICTIM,
    { machineId: 'm-2' },
    { workflowId: 'vm/other/lobby' },
    { expiresAt: Number.MAX_SAFE_INTEGER },
    { deployment: 'green' },
    { issuedAt: 0 },
    { admin: true },
    JSON.parse('{"__proto__": {"expiresAt": 1e15}}') as Record<string, unknown>,
  ];
  const KEYS: readonly ((kind: AgentTokenKind) => Uint8Array | string)[] = [
    () => '',
    () => SECRET,
    () => OTHER_SECRET,
    () => 'blue',
    (kind) => deriveKey(OTHER_SECRET, `agent-token/${kind}`),
    (kind) => deriveKey(SECRET, `agent-token/${other(kind)}`),
    () => deriveKey(SECRET, 'internal'),
    () => deriveKey(SECRET, 'agent-token/gce-binding'),
  ];
});

describe(`proofs of Compute Engine (seed ${SEED})`, () => {
  const ours = newSigner('k1');
  const stranger = newSigner('k1');
  const bindings = new InstanceBindings(SECRET, 'blue', 'gce');
  const bindingOf = (machine: typeof SUBJECT, instanceName = INSTANCE) =>
    bindings.issue({ ...machine, instanceName }, NOW);
  let server: Server;
  let proofs: TrustedInstances[];

  beforeAll(async () => {
    server = createServer((_request, response) => response.end(JSON.stringify({ keys: [ours.jwk] })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const keysUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const identities = new GceIdentityVerifier({ project: 'p1', audience: AUDIENCE, keysUrl });
    proofs = [{ proofWord: 'gce', bindings, identities }];
  });
  afterAll(() => server.close());

  const believed = (proof: string) => verifyInstanceProof(proof, proofs, NOW);

  it('are believed when they are whole', async () => {
    expect(await believed(`gce ${bindingOf(SUBJECT)} ${tokenBy(ours)}`)).toEqual({ ...SUBJECT, nonce: 'gce-77' });
  });

  it('that were spoiled anywhere are refused, 2,000 of them', async () => {
    const binding = bindingOf(SUBJECT);
    const identity = tokenBy(ours);
    for (let index = 0; index < 2000; index += 1) {
      const [how, token] = spoiled(index % 2 === 0 ? binding : identity, index >> 1);
      const proof = index % 2 === 0 ? `gce ${token} ${identity}` : `gce ${binding} ${token}`;
      expect([how, proof, await believed(proof)]).toEqual([how, proof, undefined]);
    }
  });

  it('of another instance, project, audience, issuer, time, signer or algorithm are refused', async () => {
    const binding = bindingOf(SUBJECT);
    const [header, claims, signature] = tokenBy(ours).split('.');
    const publicPem = createPublicKey(ours.privateKey).export({ type: 'spki', format: 'pem' });
    const confused = `${asJson({ alg: 'HS256', kid: 'k1' })}.${claims}`;
    const wrong: Record<string, string> = {
      'another instance': tokenBy(ours, {}, { instance_name: 'eph-test-m-2' }),
      'another project': tokenBy(ours, {}, { project_id: 'p2' }),
      'another audience': tokenBy(ours, { aud: 'https://api.example.test.evil.test' }),
      'a list as audience': tokenBy(ours, { aud: [AUDIENCE] }),
      'another issuer': tokenBy(ours, { iss: 'https://accounts.google.com.evil.test' }),
      expired: tokenBy(ours, { exp: NOW / 1000 - 61 }),
      'from the future': tokenBy(ours, { iat: NOW / 1000 + 61 }),
      'no times': tokenBy(ours, { exp: undefined, iat: undefined }),
      'no instance': tokenBy(ours, { google: undefined }),
      "a stranger's key": tokenBy(stranger),
      'an unknown key': tokenBy({ ...ours, kid: '__proto__' }),
      'no algorithm': `${asJson({ alg: 'none', kid: 'k1' })}.${claims}.${signature}`,
      'no signature': `${header}.${claims}.`,
      'the public key as a shared one': `${confused}.${createHmac('sha256', publicPem).update(confused).digest('base64url')}`,
      'other claims': `${header}.${asJson({ ...claimsIn(claims), exp: NOW / 1000 + 7200 })}.${signature}`,
    };
    for (const [why, identity] of Object.entries(wrong)) {
      expect([why, await believed(`gce ${binding} ${identity}`)]).toEqual([why, undefined]);
    }
    const identity = tokenBy(ours);
    for (const [why, foreign] of [
      [
        'of another deployment',
        new InstanceBindings(SECRET, 'green', 'gce').issue({ ...SUBJECT, instanceName: INSTANCE }, NOW),
      ],
      [
        'of another secret',
        new InstanceBindings(OTHER_SECRET, 'blue', 'gce').issue({ ...SUBJECT, instanceName: INSTANCE }, NOW),
      ],
      ['of another instance', bindingOf(VICTIM, 'eph-test-m-2')],
      ['too old', bindings.issue({ ...SUBJECT, instanceName: INSTANCE }, NOW - 40 * 24 * 3_600_000)],
      ['a token of ours', new AgentTokens(SECRET, 'blue').issue('report', SUBJECT, NOW)],
    ] as const) {
      expect([why, await believed(`gce ${foreign} ${identity}`)]).toEqual([why, undefined]);
    }
    const whole = `gce ${binding} ${identity}`;
    for (const odd of [`${whole} `, ` ${whole}`, whole.replace('gce ', 'GCE '), whole.replaceAll(' ', '  ')]) {
      expect([odd, await believed(odd)]).toEqual([odd, undefined]);
    }
  });
});

describe(`API keys (seed ${SEED})`, () => {
  let stateDir: string;
  beforeAll(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'ephemera-hostile-keys-'));
  });
  afterAll(() => rmSync(stateDir, { recursive: true }));

  it('that were spoiled anywhere are refused, 1,000 of them, and so are their ids and hashes', async () => {
    const { key, stored } = await addKey(stateDir, { project: 'games', role: 'admin' }, Date.now());
    const keys = new ApiKeyStore({ stateDir });
    expect(keys.verify(key)).toBeDefined();
    for (let index = 0; index < 1000; index += 1) {
      const [how, wrong] = spoiled(key, index);
      expect([how, wrong, keys.verify(wrong)]).toEqual([how, wrong, undefined]);
    }
    const hash = createHash('sha256').update(key).digest();
    for (const wrong of [stored.id, stored.sha256, hash.toString('base64'), `eph_${stored.id}_`, stored.lastFour]) {
      expect(keys.verify(wrong)).toBeUndefined();
    }
  });
});
