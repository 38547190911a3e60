/** Images that one host fetches from others, over their internal endpoints: what arrives, and what goes wrong on the way. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImageVersion } from '../../domain/machine/image-copies.ts';
import type { ImagePeers, SentImage } from '../../domain/machine/image-peers.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { addDiskImage } from '../../providers/qemu/image/disk-images.ts';
import { ImageStore } from '../../providers/qemu/image/image-store.ts';
import {
  listRegistered,
  makeDraft,
  register,
  type RegisteredVersion,
} from '../../providers/qemu/image/registered-images.ts';
import { openPinned, type PinnedRequest } from '../../security/hosts/pinned-connection.ts';
import { imagePath, manifestAndContent, ORIGIN_HEADER } from '../../worker/host/images/image-wire.ts';
import { internalIdentity } from '../../worker/host/internal-identity.ts';
import { startInternalServer, type InternalServer } from '../../worker/host/internal-server.ts';

const run = promisify(execFile);
const never = new AbortController().signal;
const MB = 1024 ** 2;
const ADDED_AT = '2026-11-29T20:00:00.000Z';

/** A host with a store and an internal endpoint. */
interface TestHost {
  id: string;
  images: string;
  store: ImageStore;
  endpoint: { address: string; fingerprint: string };
  server: InternalServer;
}

let directory: string;
let hosts: TestHost[];
/** Hosts that cannot be asked, by their ids. */
let away: Set<string>;
/** What happens while a host is asked whether it keeps an image. */
let whileAsked: () => Promise<void>;
/** What happens to what a host sends, by its id. */
let faults: Map<string, (sent: SentImage) => SentImage>;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eph-store-'));
  hosts = [];
  faults = new Map();
  whileAsked = () => Promise.resolve();
  away = new Set();
});
afterEach(async () => {
  await Promise.all(hosts.map(({ server }) => server.close()));
  await rm(directory, { recursive: true, force: true });
});

async function startHost(id: string, cacheBytes = 100 * MB, stallMs = 30_000): Promise<TestHost> {
  const images = join(directory, id, 'images');
  const store = new ImageStore({
    ...{
      dir: images,
      machinesDir: join(directory, id, 'machines'),
      peers: peersOf(id),
      cacheBytes,
      stallMs,
      plainUrls: 'here',
    },
  });
  await mkdir(join(directory, id), { recursive: true });
  const identity = await internalIdentity(join(directory, id));
  const server = await startInternalServer({
    ...{ host: '127.0.0.1', port: 0, token: 'of the API', peerToken: 'of a peer', identity, copies: [store] },
    takeStream: (_machine, webSocket) => webSocket.terminate(),
    readConsole: () => Promise.resolve(Buffer.from('console')),
    log: pino({ level: 'silent' }),
  });
  const endpoint = { address: `127.0.0.1:${server.port}`, fingerprint: identity.fingerprint };
  const host = { id, images, store, endpoint, server };
  hosts.push(host);
  return host;
}

function ask({ endpoint }: TestHost, path: string, how: Partial<PinnedRequest> & { token?: string } = {}) {
  const { token = 'of a peer', ...rest } = how;
  return openPinned({
    ...endpoint,
    path,
    headers: { authorization: `Bearer ${token}` },
    signal: new AbortController().signal,
    ...rest,
  });
}

/** The others, asked at their endpoints. */
function peersOf(self: string): ImagePeers {
  const others = (): TestHost[] => hosts.filter(({ id }) => id !== self);
  const named = (id: string): TestHost => others().find((one) => one.id === id)!;
  return {
    list: () =>
      Promise.all(
        others().map(async ({ id, store }) => ({ hostId: id, copies: await store.list(), isAway: away.has(id) })),
      ),
    fetch: async (id, image) => {
      const { answer } = await ask(named(id), imagePath(image));
      if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode ?? 0}`);
      const sent = await manifestAndContent(answer);
      return faults.get(id)?.(sent) ?? sent;
    },
    keeps: async (id, image) => {
      const { answer, close } = await ask(named(id), imagePath(image), { method: 'HEAD' });
      close();
      await whileAsked();
      return answer.headers[ORIGIN_HEADER] === 'registered';
    },
  };
}

async function add(
  { images }: TestHost,
  name: string,
  content: Uint8Array,
  addedAt = ADDED_AT,
  reference?: string,
): Promise<RegisteredVersion> {
  const draft = await makeDraft(images, name, 'test');
  await writeFile(join(draft, 'root.squashfs'), content);
  const disk = { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  const manifest = {
    addedAt,
    kind: 'container',
    virtualBytes: 1,
    disk,
    container: { cmd: [name], reference },
  } as const;
  const added = await register(images, name, { draft, manifest });
  await rm(draft, { recursive: true });
  return added;
}

const use = ({ store }: TestHost, image: string): Promise<RegisteredVersion> =>
  store.using(image, never, (version) => Promise.resolve(version));

/** A machine whose disk lies over an image. */
async function makeMachine({ id }: TestHost, image: string, path: string): Promise<void> {
  const machine = join(directory, id, 'machines', 'm-1');
  const labels = { deployment: 'd', machineId: 'm-1', owner: 'vm/default/a', project: 'default', uid: 'u', vm: 'a' };
  const disk = { format: 'qcow2', sizeGb: 1, base: { image, path } };
  const manifest = { labels, createdAt: 0, host: id, ports: [], cpus: 1, memoryMb: 512, disk };
  await mkdir(machine, { recursive: true });
  await writeFile(join(machine, 'machine.json'), JSON.stringify(manifest));
}

async function truncateKept(path: string): Promise<void> {
  await chmod(path, 0o600);
  await truncate(path, 10);
}

async function refusal(work: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  return error as ProviderError;
}

describe('a host that lacks an image', () => {
  it('fetches it once for all machines that need it, says what it has, and another one can have it from there', async () => {
    const [home, other, third] = [await startHost('home'), await startHost('other'), await startHost('third')];
    const content = randomBytes(3 * MB);
    const added = await add(home, 'app', content);
    expect(await other.store.leastDiskGb('app')).toBe(1);
    const fetched = await Promise.all([use(other, 'app'), use(other, `app@${added.version}`)]);
    expect(fetched[0]).toMatchObject({
      version: added.version,
      origin: 'fetched',
      manifest: { container: { cmd: ['app'] } },
    });
    expect(fetched[1].path).toBe(fetched[0].path);
    expect((await readFile(fetched[0].path)).equals(content)).toBe(true);
    expect(await other.store.list()).toMatchObject([
      { name: 'app', origin: 'fetched', machines: 0, addedAt: ADDED_AT },
    ]);
    expect(await readdir(other.images)).toEqual([`app.${added.version}`]);
    await home.server.close();
    hosts = [other, third];
    expect((await readFile((await use(third, 'app')).path)).equals(content)).toBe(true);
  });

  it('finds a container image of another host by the name that a registry has for it, the latest of them', async () => {
    const [home, other] = [await startHost('home'), await startHost('other')];
    await add(home, 'app', randomBytes(64), ADDED_AT, 'docker.io/team/app:1');
    const later = await add(home, 'renamed', randomBytes(64), '2026-11-29T21:00:00.000Z', 'docker.io/team/app:1');
    const named = `renamed@${later.version}`;
    for (const asked of ['container:team/app:1', 'container:docker.io/team/app:1']) {
      expect(await other.store.named(asked)).toBe(named);
    }
    expect((await use(other, named)).sha256).toBe(later.sha256);
    expect(await other.store.named('container:app')).toBe('app');
    expect(await other.store.named('app')).toBe('app');
    expect(await refusal(other.store.named('container:team/app:2'))).toMatchObject({ code: 'imageUnknown' });
    hosts[0]!.store.list = () => Promise.reject(new Error('the registry does not answer'));
    expect(await refusal(other.store.named('container:team/app:2'))).toMatchObject({ code: 'imageUnreachable' });
  });

  it('takes it from another host where one sends something else, too little, too much, nothing, or another image', async () => {
    const [bad, good] = [await startHost('bad'), await startHost('good')];
    const content = randomBytes(2 * MB);
    await add(bad, 'app', content);
    await add(good, 'app', content);
    const flip = (chunk: Uint8Array): Uint8Array => chunk.map((byte) => byte ^ 1);
    const kinds: Record<string, (sent: SentImage) => SentImage> = {
      otherContent: ({ manifest, content: sent }) => ({ manifest, content: mapped(sent, flip) }),
      tooLittle: ({ manifest, content: sent }) => ({ manifest, content: mapped(sent, (chunk) => chunk.subarray(1)) }),
      tooMuch: ({ manifest, content: sent }) => ({
        manifest,
        content: mapped(sent, (chunk) => Buffer.concat([chunk, chunk])),
      }),
      nothing: ({ manifest }) => ({ manifest, content: endless() }),
      otherImage: ({ content: sent }) => ({
        manifest: { addedAt: ADDED_AT, virtualBytes: 1, disk: { bytes: 1, sha256: 'a'.repeat(64) } },
        content: sent,
      }),
      noManifest: ({ content: sent }) => ({ manifest: 'app', content: sent }),
    };
    for (const [kind, fault] of Object.entries(kinds)) {
      faults.set('bad', fault);
      const host = await startHost(kind.toLowerCase(), 100 * MB, kind === 'nothing' ? 500 : 30_000);
      expect((await readFile((await use(host, 'app')).path)).equals(content), kind).toBe(true);
      expect(await readdir(host.images), kind).toHaveLength(1);
      await host.server.close();
      hosts = [bad, good];
    }
    // Where no other has it, the create says why and goes elsewhere.
    hosts = [bad];
    faults.set('bad', kinds['otherContent']!);
    const alone = await startHost('alone');
    const error = await refusal(use(alone, 'app'));
    expect(error).toMatchObject({ code: 'imageUnreachable', terminal: false });
    expect(error.message).toContain('bad: what it sends is damaged');
    expect(await readdir(alone.images)).toEqual([]);
    await good.server.close();
  });

  it('says that nobody has it', async () => {
    await startHost('home');
    const error = await refusal(use(await startHost('other'), 'app'));
    expect(error).toMatchObject({ code: 'imageUnknown' });
  });

  it('takes it from its URL where the host that has it is away, and says who is away where it has none', async () => {
    const [home, other] = [await startHost('home'), await startHost('other')];
    const source = join(directory, 'source.qcow2');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', source, '2G']);
    const bytes = await readFile(source);
    let sent = bytes;
    const server = createServer((request, response) => {
      if (request.url === '/here') response.writeHead(302, { location: '/there' }).end();
      else response.end(sent);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/here`;
    await addDiskImage(home.images, 'disk', source, { url });
    await add(home, 'app', randomBytes(10));
    away.add('home');
    sent = Buffer.from('something else');
    expect((await refusal(use(other, 'disk'))).message).toContain('has another SHA-256');
    sent = bytes;
    const fetched = await use(other, 'disk');
    expect(fetched).toMatchObject({ origin: 'fetched', sizeGb: 2, manifest: { url } });
    expect((await readFile(fetched.path)).equals(bytes)).toBe(true);
    const error = await refusal(use(other, 'app'));
    expect(error).toMatchObject({ code: 'imageUnreachable' });
    expect(error.message).toContain('home: it is away');
    server.close();
  });

  it('mends its own copy when that is damaged', async () => {
    const [home, other] = [await startHost('home'), await startHost('other')];
    const content = randomBytes(MB);
    await add(home, 'app', content);
    const { path } = await use(other, 'app');
    await rm(path);
    await writeFile(path, randomBytes(MB));
    expect((await readFile((await use(other, 'app')).path)).equals(content)).toBe(true);
    expect(await listRegistered(other.images)).toMatchObject([{ origin: 'fetched' }]);
  });
});

describe('what a host has fetched', () => {
  it('goes when its place is needed, the least recently used first, but for what is in use or nowhere else', async () => {
    const [home, other] = [await startHost('home'), await startHost('other', 3 * MB)];
    const versions: Record<string, RegisteredVersion> = {};
    for (const name of ['one', 'two', 'three', 'four', 'five']) versions[name] = await add(home, name, randomBytes(MB));
    const here = async (): Promise<string[]> => (await listRegistered(other.images)).map(({ name }) => name);
    const lastUsed = async (name: string, seconds: number): Promise<void> => {
      const { directory: at } = (await listRegistered(other.images)).find((one) => one.name === name)!;
      await utimes(at, seconds, seconds);
    };
    for (const [index, name] of ['one', 'two', 'three'].entries()) {
      await use(other, name);
      await lastUsed(name, 1000 + index);
    }
    // Used again, so the second one is the oldest.
    await use(other, 'one');
    await use(other, 'four');
    expect((await here()).sort()).toEqual(['four', 'one', 'three']);
    await lastUsed('four', 2000);
    // Nobody else keeps the third one any more; a machine is being made of the first one.
    await home.store.remove('three');
    await other.store.using('one', never, async () => {
      await use(other, 'five');
      expect((await here()).sort()).toEqual(['five', 'one', 'three']);
      await lastUsed('five', 3000);
      await home.store.remove('five');
      const error = await refusal(use(other, 'two'));
      expect(error).toMatchObject({ code: 'imageUnreachable' });
      expect(error.message).toContain('EPHEMERA_HOST_IMAGE_CACHE_GB');
    });
    expect((await here()).sort()).toEqual(['five', 'one', 'three']);
  });

  it('is shown, and others are fetched, though the file of one machine is damaged; removed it is not', async () => {
    const [home, other] = [await startHost('home'), await startHost('other')];
    await add(home, 'app', randomBytes(10));
    await use(other, 'app');
    const machine = join(directory, 'other', 'machines', 'm-1');
    await mkdir(machine, { recursive: true });
    await writeFile(join(machine, 'machine.json'), '{');
    await add(home, 'more', randomBytes(10));
    await use(other, 'more');
    expect(await other.store.list()).toHaveLength(2);
    expect(await refusal(other.store.remove('app'))).toMatchObject({ code: 'hostFailure' });
    expect(await other.store.list()).toHaveLength(2);
  });

  it('stays when a machine was made of it while others were asked whether they keep it', async () => {
    const [home, other] = [await startHost('home'), await startHost('other', 2 * MB)];
    for (const name of ['one', 'two', 'three']) await add(home, name, randomBytes(MB));
    const { path } = await use(other, 'one');
    await use(other, 'two');
    whileAsked = async () => {
      whileAsked = () => Promise.resolve();
      await other.store.using('one', never, () => makeMachine(other, 'one', path));
    };
    await use(other, 'three');
    expect(await readFile(path)).toHaveLength(MB);
  });

  it('is the last copy where the host that keeps it lost or cut what it keeps', async () => {
    const [home, other] = [await startHost('home'), await startHost('other', 2 * MB)];
    const added = [];
    for (const name of ['one', 'two', 'three']) added.push(await add(home, name, randomBytes(MB)));
    for (const name of ['one', 'two']) await use(other, name);
    await rm(added[0]!.path);
    await truncateKept(added[1]!.path);
    expect(await refusal(use(other, 'three'))).toMatchObject({ code: 'imageUnreachable' });
    expect((await listRegistered(other.images)).map(({ name }) => name)).toEqual(['one', 'two']);
  });

  it('is not removed while a machine is being made of it', async () => {
    const home = await startHost('home');
    await add(home, 'app', randomBytes(10));
    await home.store.using('app', never, async () => {
      expect(await refusal(home.store.remove('app'))).toMatchObject({ code: 'imageRefused' });
      const { answer, close } = await ask(home, '/internal/machine-images/app', {
        method: 'DELETE',
        token: 'of the API',
      });
      expect(answer.statusCode).toBe(409);
      close();
    });
    const { answer, close } = await ask(home, '/internal/machine-images/app', {
      method: 'DELETE',
      token: 'of the API',
    });
    expect(answer.statusCode).toBe(204);
    close();
    expect(await home.store.list()).toEqual([]);
  });
});

describe('the internal endpoint', () => {
  it('gives another host images and nothing else, and strangers nothing', async () => {
    const home = await startHost('home');
    const image: ImageVersion = await add(home, 'app', randomBytes(10));
    const status = async (path: string, how: Parameters<typeof ask>[2] = {}): Promise<number | undefined> => {
      const { answer, close } = await ask(home, path, how);
      close();
      return answer.statusCode;
    };
    expect(await status(imagePath(image))).toBe(200);
    expect(await status(imagePath({ ...image, version: '0'.repeat(12) }))).toBe(404);
    expect(await status('/internal/machines/m-1/console')).toBe(403);
    expect(await status('/internal/machine-images/app', { method: 'DELETE' })).toBe(405);
    expect(await status(imagePath(image), { method: 'DELETE', token: 'of the API' })).toBe(405);
    expect(await status(imagePath(image), { token: 'of nobody' })).toBe(401);
    expect(await status('/internal/machine-images/..%2f..%2fkeys/000000000000')).toBe(403);
    await expect(ask(home, imagePath(image), { fingerprint: 'sha256:other' })).rejects.toThrow('has the key');
    expect(await home.store.list()).toHaveLength(1);
  });
});

async function* mapped(
  chunks: AsyncIterable<Uint8Array>,
  by: (chunk: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield by(chunk);
}

/** Never brings anything. */
async function* endless(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
  yield new Uint8Array();
}
