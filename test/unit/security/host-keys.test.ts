import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { proofWords } from '../../../providers/lookup.ts';
import { deriveKey } from '../../../security/sealing/deployment-secret.ts';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { acceptedBearer, bearerOfBefore, hostBearer } from '../../../security/hosts/host-bearer.ts';
import {
  hostKeys,
  hostKeysForAllProviders,
  hostKeysFromText,
  hostKeysToText,
} from '../../../security/hosts/host-keys.ts';
import { SealedInputs } from '../../../security/sealing/sealed-input.ts';
import { StartSignatures } from '../../../security/sealing/start-signatures.ts';
import { specOf } from '../../../test-support/vm/vm-life.ts';

const secret = new Uint8Array(randomBytes(32));
const start = { workflowId: 'vm/default/lobby', spec: specOf() };
const input = { secretEnv: { TOKEN: 'x' }, startupScript: null };

test('a host that has joined checks and opens what the API signed and sealed', () => {
  const keys = hostKeys(secret);
  const sealed = new SealedInputs(secret, 'blue').seal(start, input);
  const signature = new StartSignatures(secret, 'blue').sign(start, sealed);
  expect(new StartSignatures(keys, 'blue').verifyWith(start, sealed, signature)).toBe(true);
  expect(new SealedInputs(keys, 'blue').open(start, sealed)).toEqual(input);
});

test('a host that has joined can make no token of an agent, and no fingerprint of sealed input', () => {
  const keys = hostKeys(secret);
  const subject = { workflowId: 'vm/default/lobby', machineId: 'm-1' };
  for (const kind of ['bootstrap', 'report', 'datasource'] as const) {
    expect(() => new AgentTokens(keys, 'blue').issue(kind, subject, 0)).toThrow(`no key for agent-token/${kind}`);
  }
  const vm = { project: 'default', name: 'lobby' };
  expect(() => new SealedInputs(keys, 'blue').fingerprint(vm, input)).toThrow('no key for sealed-input/fingerprint');
});

test('no key of a host is the secret', () => {
  const keys = Object.values(hostKeysForAllProviders(secret));
  expect(keys).toHaveLength(4 + proofWords().length);
  for (const key of keys) expect(Buffer.from(key).equals(secret)).toBe(false);
});

test('each host accepts a bearer of its own, which it can make for no other', () => {
  const joined = (fingerprint: string) =>
    hostKeysFromText(hostKeysToText(hostKeys(secret), hostBearer(secret, fingerprint)));
  const [attic, cellar] = [joined('sha256:attic'), joined('sha256:cellar')];
  expect(acceptedBearer(attic, 'sha256:attic')).toBe(hostBearer(secret, 'sha256:attic'));
  expect(acceptedBearer(cellar, 'sha256:cellar')).not.toBe(acceptedBearer(attic, 'sha256:attic'));
  expect(() => hostBearer(attic, 'sha256:cellar')).toThrow('no key for host-bearer');
  expect(() => bearerOfBefore(attic, 'sha256:cellar')).toThrow('no key for internal');
  expect(acceptedBearer(hostKeysForAllProviders(secret), 'sha256:beside')).toBe(hostBearer(secret, 'sha256:beside'));
});

test('a host that joined when all had one key goes on with it, and that key opens no host that joined since', () => {
  const internal = Buffer.from(deriveKey(secret, 'internal')).toString('hex');
  const { 'start-signature': sign, 'sealed-input/seal': seal } = hostKeysToText(hostKeys(secret), '0'.repeat(64));
  const before = hostKeysFromText({ 'start-signature': sign, 'sealed-input/seal': seal, internal });
  expect(acceptedBearer(before, 'sha256:attic')).toBe(bearerOfBefore(secret, 'sha256:attic'));
  expect(bearerOfBefore(before, 'sha256:cellar')).not.toBe(hostBearer(secret, 'sha256:cellar'));
});
