import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { joinDeployment, type HostWish } from '../../../commands/host/join-deployment.ts';
import { acceptedBearer } from '../../../security/hosts/host-bearer.ts';
import { hostKeysFromText } from '../../../security/hosts/host-keys.ts';
import { HOST_FILE, readHostFile, writeHostFile } from '../../../security/hosts/host-membership.ts';
import { internalIdentity } from '../../../worker/host/internal-identity.ts';

const KEY = 'ab'.repeat(32);
const INTERNAL = 'cd'.repeat(32);
let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'eph-join-'));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const again = (): HostWish => ({
  ...{ stateDir, join: undefined, token: undefined, hostId: undefined, providers: undefined },
  ...{ zone: undefined, labels: undefined, caFile: null },
});

it('a host that joined when all had one key keeps its own bearer instead, and is known by it as before', async () => {
  const keys = { 'start-signature': KEY, 'sealed-input/seal': KEY, internal: INTERNAL };
  writeHostFile(stateDir, {
    ...{ hostId: 'attic', hostKey: KEY, askedApi: 'https://api.example.com' },
    membership: {
      ...{ deployment: 'default', version: '0.0.1', providers: ['local'], apiUrl: 'https://api.example.com' },
      ...{ controlTaskQueue: 'control', hostLostSeconds: 600 },
      ...{ temporal: { address: 'temporal:7233', namespace: 'ephemera' }, keys },
    },
  });
  const { fingerprint } = await internalIdentity(stateDir);
  const before = acceptedBearer(hostKeysFromText(keys), fingerprint);
  const { membership, endpoint } = await joinDeployment(again());
  expect(acceptedBearer(hostKeysFromText(membership.keys), fingerprint)).toBe(before);
  expect(endpoint).toBe(fingerprint);
  expect(readFileSync(join(stateDir, HOST_FILE), 'utf8')).not.toContain(INTERNAL);
  expect(await joinDeployment(again())).toEqual(readHostFile(stateDir));
});
