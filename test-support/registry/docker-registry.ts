/** The registry program of Debian (docker-registry) on loopback, what is pushed to it, and a server in front of it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { internalIdentity } from '../../worker/host/internal-identity.ts';
import { eventually } from '../eventually.ts';
import { freePort } from '../free-port.ts';

/** The one user, and a hash of the password that the program reads. */
export const USER = { user: 'ann', password: 'a-password-of-tests' } as const;
const HTPASSWD = 'ann:$2b$04$ZZ4f0SwQfd3yoon9rW7EUO7OeW5xASDj8rGXKH30gvoFFvKK/w6Vq\n';
const ISSUER = 'tests';

/** Why there is none here, or undefined. In CI one that is missing is a failure. */
export function whyNoRegistry(): string | undefined {
  if (process.env['CI'] || spawnSync('docker-registry', ['--version']).status === 0) return undefined;
  const why =
    'pulls are not tested here: install docker-registry (apt-get install docker-registry), or set CI=true to insist';
  console.warn(`\n! ${why}\n`);
  return why;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  host: string;
  /** What pushes show. */
  headers: Record<string, string>;
  stop: () => Promise<void>;
}

/** `token`: by tokens of a server that `realm` names, which {@link tokenFor} makes. */
export type RegistryLogin = { kind: 'none' } | { kind: 'basic' } | { kind: 'token'; realm: string };

export async function startRegistry(login: RegistryLogin): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'eph-registry-'));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  await mkdir(join(directory, 'data'));
  await writeFile(join(directory, 'htpasswd'), HTPASSWD);
  const { cert, key } = await internalIdentity(directory);
  await writeFile(join(directory, 'cert.pem'), cert);
  const auths = {
    none: undefined,
    basic: { htpasswd: { realm: 'tests', path: join(directory, 'htpasswd') } },
    token: {
      token: {
        ...{ realm: login.kind === 'token' ? login.realm : '', service: host, issuer: ISSUER },
        rootcertbundle: join(directory, 'cert.pem'),
      },
    },
  };
  const auth = auths[login.kind];
  const config = {
    ...{ version: 0.1, log: { level: 'error' }, http: { addr: host } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    ...(auth === undefined ? {} : { auth }),
  };
  // JSON is YAML too.
  await writeFile(join(directory, 'config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: 'ignore' });
  await eventually(async () => {
    await fetch(`http://${host}/v2/`);
  });
  const basic = `Basic ${Buffer.from(`${USER.user}:${USER.password}`).toString('base64')}`;
  const own = login.kind === 'token' ? `Bearer ${tokenWith({ cert, key }, host, ['pull', 'push'])}` : basic;
  keys.set(host, { cert, key });
  return {
    host,
    headers: login.kind === 'none' ? {} : { authorization: own },
    stop: async () => {
      await end(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const keys = new Map<string, { cert: string; key: string }>();

/** A token for pulls, as the server that the registry trusts makes them. */
export function tokenFor({ host }: TestRegistry): string {
  return tokenWith(keys.get(host)!, host, ['pull']);
}

function tokenWith({ cert, key }: { cert: string; key: string }, host: string, actions: string[]): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const x5c = [cert.replaceAll(/-----[A-Z ]+-----|\s/g, '')];
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now - 5, nbf: now - 5, exp: now + 600 };
  const access = [{ type: 'repository', name: 'team/app', actions }];
  const claims = { iss: ISSUER, sub: USER.user, aud: host, ...times, jti: randomUUID(), access };
  const text = `${part({ typ: 'JWT', alg: 'ES256', x5c })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

export interface PushedImage {
  config?: Uint8Array;
  layers: readonly Uint8Array[];
}

/** Pushes an image, and a manifest list over it where `platforms` are given; resolves with the digest of what the tag names. */
export async function pushImage(
  { host, headers }: TestRegistry,
  tag: string,
  image: PushedImage,
  platforms?: readonly { os: string; architecture: string }[],
): Promise<string> {
  const at = `http://${host}/v2/team/app`;
  const upload = async (bytes: Uint8Array): Promise<{ digest: string; size: number }> => {
    const begun = await fetch(`${at}/blobs/uploads/`, { method: 'POST', headers });
    const to = new URL(begun.headers.get('location') ?? '', at);
    const digest = digestOf(bytes);
    to.searchParams.set('digest', digest);
    const done = await fetch(to, { method: 'PUT', headers, body: Buffer.from(bytes) });
    if (done.status !== 201) throw new Error(`the upload answers ${done.status}: ${await done.text()}`);
    return { digest, size: bytes.length };
  };
  const put = async (name: string, manifest: Record<string, unknown> & { mediaType: string }): Promise<string> => {
    const body = JSON.stringify(manifest);
    const type = { 'content-type': manifest.mediaType };
    const done = await fetch(`${at}/manifests/${name}`, { method: 'PUT', headers: { ...headers, ...type }, body });
    if (done.status !== 201) throw new Error(`the manifest answers ${done.status}: ${await done.text()}`);
    return digestOf(Buffer.from(body));
  };
  const docker = (kind: string): string => `application/vnd.docker.${kind}`;
  const config = { mediaType: docker('container.image.v1+json'), ...(await upload(image.config ?? Buffer.from('{}'))) };
  const layers = [];
  for (const layer of image.layers) {
    layers.push({ mediaType: docker('image.rootfs.diff.tar.gzip'), ...(await upload(layer)) });
  }
  const manifest = { schemaVersion: 2, mediaType: docker('distribution.manifest.v2+json'), config, layers };
  const digest = await put(platforms === undefined ? tag : digestOf(Buffer.from(JSON.stringify(manifest))), manifest);
  if (platforms === undefined) return digest;
  const described = { mediaType: manifest.mediaType, digest, size: JSON.stringify(manifest).length };
  const manifests = platforms.map((platform) => ({ ...described, platform }));
  return put(tag, { schemaVersion: 2, mediaType: docker('distribution.manifest.list.v2+json'), manifests });
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Answers a request itself, or with undefined lets the registry answer. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => 'answered' | undefined;

export interface Front {
  host: string;
  requests: { path: string; authorization: string | undefined }[];
  /** What happens to the requests from now on. */
  fault: Fault;
  stop: () => Promise<void>;
}

/** A server that passes on what it is asked, but for its faults. */
export async function startFront(registry: () => TestRegistry): Promise<Front> {
  const front: Front = { host: '', requests: [], fault: () => undefined, stop: () => Promise.resolve() };
  const server: Server = createServer((request, response) => {
    const { url = '', headers } = request;
    front.requests.push({ path: url, authorization: headers.authorization });
    if (front.fault(request, response) === 'answered') return;
    const { authorization = '', accept = '' } = headers;
    fetch(`http://${registry().host}${url}`, { headers: { authorization, accept } })
      .then(async (answer) => {
        const body = Buffer.from(await answer.arrayBuffer());
        const kept = ['content-type', 'docker-content-digest', 'www-authenticate'];
        for (const name of kept) if (answer.headers.has(name)) response.setHeader(name, answer.headers.get(name)!);
        response.writeHead(answer.status).end(body);
      })
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  front.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  front.stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return front;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
