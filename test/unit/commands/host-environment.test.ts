import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { hostEnvironment, type JoinedHost } from '../../../commands/host/host-environment.ts';
import { addressTowards, newHostId } from '../../../commands/host/host-name.ts';
import { loadSettings } from '../../../config/load-settings.ts';
import { temporalConnectionOptions } from '../../../config/temporal/temporal-connection.ts';
import { hostKeys, hostKeysToText } from '../../../security/hosts/host-keys.ts';

const PLACE = { stateDir: '/var/lib/host', internalHost: '10.0.0.2' };
const HOST: JoinedHost = {
  ...{ hostId: 'attic-1f2e', hostKey: 'k', askedApi: 'https://api.example.com', zone: 'attic', labels: 'disk=ssd' },
  membership: {
    ...{ deployment: 'blue', version: '0.1.0', providers: ['qemu'], apiUrl: 'https://api.example.com' },
    ...{ controlTaskQueue: 'blue-control', hostLostSeconds: 300 },
    temporal: {
      ...{ address: 'temporal.example.com:7233', namespace: 'blue', apiKey: 'temporal-key' },
      tls: { serverCa: 'CA', clientCert: 'CERT', clientKey: 'KEY', serverName: 'temporal' },
      headers: { 'x-tenant': 'blue' },
    },
    keys: hostKeysToText(hostKeys(randomBytes(32)), '0'.repeat(64)),
  },
};

const read = (env: Record<string, string>) => {
  const of = hostEnvironment(HOST, PLACE, env);
  const settings = loadSettings({ argv: [], env: of, cwd: '/' });
  return { settings, temporal: temporalConnectionOptions(settings, of) };
};

test('the worker of a host has what its deployment says, and reaches Temporal as that does', () => {
  const { settings, temporal } = read({});
  expect(settings).toMatchObject({
    ...{ hostId: 'attic-1f2e', deployment: 'blue', providers: ['qemu'], stateDir: '/var/lib/host' },
    temporal: { address: 'temporal.example.com:7233', namespace: 'blue', controlTaskQueue: 'blue-control' },
    worker: { roles: ['host'], internalHost: '10.0.0.2', internalPortWasAsked: false },
    host: { zone: 'attic', labels: { disk: 'ssd' }, lostSeconds: 300 },
    secretKey: null,
  });
  expect(temporal).toMatchObject({ apiKey: 'temporal-key', metadata: { 'x-tenant': 'blue' } });
  expect(temporal.tls).toMatchObject({
    serverNameOverride: 'temporal',
    serverRootCACertificate: new Uint8Array(Buffer.from('CA')),
  });
});

test('what this computer sets for something else changes no membership', () => {
  const { settings, temporal } = read({
    ...{ EPHEMERA_DEPLOYMENT: 'mine', EPHEMERA_HOST_ID: 'mine', EPHEMERA_CONTROL_TASK_QUEUE: 'mine' },
    ...{ TEMPORAL_NAMESPACE: 'mine', TEMPORAL_API_KEY: 'mine', EPHEMERA_TEMPORAL_PORT: '7000' },
    ...{ EPHEMERA_JOIN_TOKEN: 'eyJ', EPHEMERA_HOST_CPUS: '8', EPHEMERA_INTERNAL_HOST: '192.168.0.2' },
  });
  expect(settings).toMatchObject({ deployment: 'blue', hostId: 'attic-1f2e', host: { cpus: 8 } });
  expect(settings.temporal).toMatchObject({ controlTaskQueue: 'blue-control', namespace: 'blue' });
  expect(settings.worker.internalHost).toBe('192.168.0.2');
  expect(temporal.apiKey).toBe('temporal-key');
});

test('a TEMPORAL_ADDRESS of this computer is another way to the same Temporal', () => {
  const { temporal } = read({ TEMPORAL_ADDRESS: '127.0.0.1:7234', TEMPORAL_TLS_SERVER_NAME: 'tunnel' });
  expect(temporal).toMatchObject({ address: '127.0.0.1:7234', apiKey: 'temporal-key' });
  expect(temporal.tls).toMatchObject({ serverNameOverride: 'tunnel' });
});

test('two hosts of one computer have different names, which say where they are', () => {
  const names = new Set(Array.from({ length: 50 }, () => newHostId("Ada's_MacBook.local")));
  expect(names.size).toBeGreaterThan(45);
  for (const name of names) expect(name).toMatch(/^ada-s-macbook-local-[0-9a-f]{4}$/);
  expect(newHostId('…')).toMatch(/^host-[0-9a-f]{4}$/);
});

test('a host beside its API is reached by loopback alone', async () => {
  for (const url of ['http://127.0.0.1:7400', 'http://localhost:7400']) {
    expect(await addressTowards(url)).toBe('127.0.0.1');
  }
  expect(await addressTowards('https://no-such-name.invalid')).toBeUndefined();
});
