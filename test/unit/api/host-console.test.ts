/** The console of a machine, from real endpoints of two hosts, each with a key of its own. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { consoleOf } from '../../../api/hosts/host-console.ts';
import type { KnownHost } from '../../../api/hosts/host-directory.ts';
import type { ApiContext } from '../../../api/api-context.ts';
import { CONSOLE_OWNER_HEADER } from '../../../domain/wire-names.ts';
import { pinnedAnswer } from '../../../api/hosts/pinned-request.ts';
import { consoleIdentity, parseConsoleIdentity, type ConsoleEndpoint } from '../../../domain/host/console-endpoint.ts';
import { acceptedBearer, bearerOfBefore, hostBearer } from '../../../security/hosts/host-bearer.ts';
import { hostKeys, hostKeysForAllProviders } from '../../../security/hosts/host-keys.ts';
import { deriveKey } from '../../../security/sealing/deployment-secret.ts';
import { internalIdentityFile } from '../../../security/hosts/internal-identity.ts';
import { internalIdentity } from '../../../worker/host/internal-identity.ts';
import { reachedAt } from '../../../worker/host/internal-address.ts';
import { startInternalServer, type InternalServer } from '../../../worker/host/internal-server.ts';
import { freePort } from '../../../test-support/free-port.ts';

const log = pino({ level: 'silent' });
const secret = randomBytes(32);
const root = mkdtempSync(join(tmpdir(), 'eph-console-'));
const servers: InternalServer[] = [];
const asked: string[] = [];
const NO_IMAGES = { peerToken: 'of peers', copies: [] };
const hosts = new Map<string, { address: string; fingerprint: string }>();

/** The barn joined when all hosts had one key. */
function bearerFor(hostId: string, fingerprint: string): string {
  const before = { ...hostKeys(secret), internal: deriveKey(secret, 'internal') };
  return acceptedBearer(hostId === 'barn' ? before : hostKeysForAllProviders(secret), fingerprint);
}

beforeAll(async () => {
  for (const hostId of ['attic', 'cellar', 'barn']) {
    const identity = await internalIdentity(join(root, hostId));
    const server = await startInternalServer({
      ...{ host: '127.0.0.1', port: 0, token: bearerFor(hostId, identity.fingerprint), identity, log, ...NO_IMAGES },
      takeStream: (_machine, webSocket) => webSocket.terminate(),
      readConsole: (machineId, _bytes, owner) => {
        asked.push(`${hostId} ${machineId} ${owner}`);
        return Promise.resolve(machineId === 'm-1' ? Buffer.from(`console of ${hostId}`) : undefined);
      },
    });
    servers.push(server);
    hosts.set(hostId, { address: reachedAt('127.0.0.1', server.port), fingerprint: identity.fingerprint });
  }
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(root, { recursive: true });
});

/** Folder of the API's own state directory, and what polls of a cloud's queue say. */
let besideApi = 'attic';
let cloudConsoles: () => Promise<ConsoleEndpoint[]> = () => Promise.resolve([]);

interface Registered {
  state?: KnownHost['host']['state'];
  address?: string;
  fingerprint?: string | null;
}

async function readConsole(hostId: string | undefined, registered: Registered = {}, machineId = 'm-1') {
  const { state = 'ready', ...other } = registered;
  const found = { host: { state }, ...hosts.get(hostId ?? ''), ...other } as unknown as KnownHost;
  const api = {
    ...{ bearerKeys: secret, log },
    hosts: {
      find: (id: string) => Promise.resolve(hosts.has(id) ? found : undefined),
      cloudConsoles: () => cloudConsoles(),
    },
    settings: {
      hostId: 'own',
      stateDir: join(root, hostId === undefined ? besideApi : 'attic'),
      worker: { internalHost: '127.0.0.1', internalPort: servers[0]?.port },
    },
  } as unknown as ApiContext;
  const record = {
    view: { host: hostId, machineId, spec: { provider: 'gcp' } },
    workflowId: 'vm/default/lobby',
  } as Parameters<typeof consoleOf>[1];
  const text = await consoleOf(api, record, new AbortController().signal);
  return text === undefined ? undefined : Buffer.from(text).toString();
}

describe('a console', () => {
  it('comes from the host that has the machine, whichever that is', async () => {
    expect(await readConsole('attic')).toBe('console of attic');
    expect(await readConsole('cellar')).toBe('console of cellar');
    expect(asked.slice(-2)).toEqual(['attic m-1 vm/default/lobby', 'cellar m-1 vm/default/lobby']);
  });

  it('comes from a host that joined when all had one key', async () => {
    expect(await readConsole('barn')).toBe('console of barn');
  });

  it('is read with the bearer of its own host alone: with what another host has nobody reads it', async () => {
    const { address, fingerprint } = hosts.get('attic')!;
    const ask = async (bearer: string): Promise<number> => {
      const headers = { authorization: `Bearer ${bearer}`, [CONSOLE_OWNER_HEADER]: 'vm/default/lobby' };
      const signal = AbortSignal.timeout(5000);
      return (await pinnedAnswer({ address, fingerprint, path: '/internal/machines/m-1/console', headers, signal }))
        .status;
    };
    expect(await ask(hostBearer(secret, fingerprint))).toBe(200);
    expect(await ask(hostBearer(secret, hosts.get('cellar')!.fingerprint))).toBe(401);
    // What every host had, as it was and made out for this one.
    expect(await ask(Buffer.from(deriveKey(secret, 'internal')).toString('hex'))).toBe(401);
    expect(await ask(bearerOfBefore(secret, fingerprint))).toBe(401);
  });

  it('of a machine in a cloud comes from the worker beside the API', async () => {
    expect(await readConsole(undefined)).toBe('console of attic');
    cloudConsoles = () => Promise.reject(new Error('Temporal is away'));
    expect(await readConsole(undefined)).toBe('console of attic');
  });

  it('of a machine in a cloud comes from any worker that serves them, where none is beside the API', async () => {
    besideApi = 'no-worker-here';
    cloudConsoles = () => Promise.resolve([]);
    expect(await readConsole(undefined)).toBeUndefined();
    const gone = { address: `127.0.0.1:${await freePort()}`, fingerprint: 'sha256:00' };
    const said = [gone, hosts.get('cellar')!].map((endpoint) =>
      parseConsoleIdentity(consoleIdentity(endpoint, '1@x'))!,
    );
    cloudConsoles = () => Promise.resolve(said);
    expect(await readConsole(undefined)).toBe('console of cellar');
    cloudConsoles = () => Promise.resolve([{ ...said[1]!, fingerprint: said[0]!.fingerprint }]);
    await expect(readConsole(undefined)).rejects.toMatchObject({ code: 'hostKeyMismatch' });
    expect(parseConsoleIdentity('1234@computer')).toBeUndefined();
  });

  it('is not there where the host keeps none, or the registry does not know the host', async () => {
    expect(await readConsole('attic', {}, 'm-2')).toBeUndefined();
    expect(await readConsole('garage')).toBeUndefined();
    expect(await readConsole('attic', { fingerprint: null })).toBeUndefined();
  });

  it('is never asked of a host with another key, which learns nothing', async () => {
    const before = asked.length;
    const wrong = readConsole('attic', { fingerprint: hosts.get('cellar')?.fingerprint ?? '' });
    await expect(wrong).rejects.toMatchObject({ code: 'hostKeyMismatch', status: 502 });
    await expect(wrong).rejects.toThrow(`is not host attic`);
    expect(asked).toHaveLength(before);
  });

  it('of a host that is away, lost or does not answer is refused with a code that says so', async () => {
    for (const state of ['away', 'lost'] as const) {
      const refused = readConsole('attic', { state });
      await expect(refused).rejects.toMatchObject({ code: 'hostAway', status: 503, headers: { 'retry-after': '10' } });
      await expect(refused).rejects.toThrow(`is ${state}`);
    }
    const silent = readConsole('attic', { address: `127.0.0.1:${await freePort()}` });
    await expect(silent).rejects.toMatchObject({ code: 'hostAway' });
    expect(await readConsole('attic', { state: 'draining' })).toBe('console of attic');
  });
});

describe('the key of a host', () => {
  it('is made once, kept for its user alone, and is another on each host', async () => {
    const again = await internalIdentity(join(root, 'attic'));
    expect(again.fingerprint).toBe(hosts.get('attic')?.fingerprint);
    expect(again.fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(hosts.get('cellar')?.fingerprint).not.toBe(again.fingerprint);
    const file = internalIdentityFile(join(root, 'attic'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('BEGIN PRIVATE KEY');
  });

  it('is the same for two workers that start at once', async () => {
    const [one, two] = await Promise.all([internalIdentity(join(root, 'both')), internalIdentity(join(root, 'both'))]);
    expect(one).toEqual(two);
  });
});

it('a host that listens everywhere says where it is reached', () => {
  expect(reachedAt('127.0.0.1', 7401)).toBe('127.0.0.1:7401');
  expect(reachedAt('fd00::1', 7401)).toBe('[fd00::1]:7401');
  expect(reachedAt('0.0.0.0', 7401)).toMatch(/^\d+\.\d+\.\d+\.\d+:7401$/);
  expect(reachedAt('0.0.0.0', 7401)).not.toContain('0.0.0.0');
});

describe('whoever has no key', () => {
  const limits = { maxHeaderBytes: 4096, headersTimeoutMs: 300, requestTimeoutMs: 300, checkMs: 50, maxConnections: 4 };

  it('holds few connections of a host, and none for long', async () => {
    const identity = await internalIdentity(join(root, 'limited'));
    const server = await startInternalServer({
      ...{ host: '127.0.0.1', port: 0, token: 'x', identity, log, limits, ...NO_IMAGES },
      readConsole: () => Promise.resolve(undefined),
      takeStream: (_machine, webSocket) => webSocket.terminate(),
    });
    const open = () => {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
      const closed = once(socket, 'close');
      socket.resume();
      return { socket, closed };
    };
    const held = Array.from({ length: 4 }, open);
    await Promise.all(held.map(({ socket }) => once(socket, 'connect')));
    const last = { seen: false };
    await Promise.race([open().closed.then(() => (last.seen = true)), ...held.map(({ closed }) => closed)]);
    expect(last.seen).toBe(true);
    // They never begin to speak TLS.
    await Promise.all(held.map(({ closed }) => closed));
    const address = `127.0.0.1:${server.port}`;
    const { fingerprint } = identity;
    const ask = { address, fingerprint, path: '/', headers: {}, signal: AbortSignal.timeout(5000) };
    expect((await pinnedAnswer(ask)).status).toBe(401);
    await server.close();
  });

  it('holds no place by leaving open what it was refused on', async () => {
    const identity = await internalIdentity(join(root, 'refusing'));
    const server = await startInternalServer({
      ...{ host: '127.0.0.1', port: 0, token: 'x', identity, log, limits, ...NO_IMAGES },
      readConsole: () => Promise.resolve(undefined),
      takeStream: (_machine, webSocket) => webSocket.terminate(),
    });
    const refused = Array.from({ length: limits.maxConnections }, async () => {
      const where = { port: server.port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true };
      const socket = connectTls(where).on('error', () => undefined);
      socket.write(
        'GET /internal/machines/m-1/stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      );
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toContain('401');
      await once(socket, 'end');
    });
    await Promise.all(refused);
    const address = `127.0.0.1:${server.port}`;
    const { fingerprint } = identity;
    await vi.waitFor(async () => {
      const ask = { address, fingerprint, path: '/', headers: {}, signal: AbortSignal.timeout(5000) };
      expect((await pinnedAnswer(ask)).status).toBe(401);
    }, 5000);
    await server.close();
  });
});
