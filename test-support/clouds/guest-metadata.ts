/** The metadata service of one played server, as its cloud's documentation describes it. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PlayedServer } from './guests.ts';

export type GuestPlatform = 'ec2' | 'azure' | 'digitalocean';

/** Signs what a server says of itself; base64 of a PKCS #7 message. `nonce`: as an Azure VM asked for it. */
export type SignIdentity = (server: PlayedServer, nonce: string) => Promise<string>;

export interface GuestMetadata {
  url: string;
  close: () => void;
}

interface Reply {
  status: number;
  text?: string;
}

const NOTHING: Reply = { status: 404 };
type Answer = (server: PlayedServer, request: IncomingMessage, url: URL) => Reply | Promise<Reply>;

/** `sign`: absent: the cloud vouches for nobody. */
export async function serveMetadata(
  platform: GuestPlatform,
  server: PlayedServer,
  sign?: SignIdentity,
): Promise<GuestMetadata> {
  const answer = ANSWERS[platform](sign);
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://169.254.169.254');
    void Promise.resolve(answer(server, request, url)).then(
      ({ status, text }) => response.writeHead(status).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const close = (): void => {
    http.close();
    http.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, close };
}

const ANSWERS: Record<GuestPlatform, (sign: SignIdentity | undefined) => Answer> = {
  ec2: (sign) => {
    const tokens = new Set<string>();
    return async (server, { method, headers }, { pathname }) => {
      if (pathname === '/latest/api/token') {
        if (method !== 'PUT') return { status: 405 };
        if (!/^[1-9]\d*$/.test(headerOf(headers, 'x-aws-ec2-metadata-token-ttl-seconds'))) return { status: 400 };
        const token = randomUUID();
        tokens.add(token);
        return { status: 200, text: token };
      }
      if (!tokens.has(headerOf(headers, 'x-aws-ec2-metadata-token'))) return { status: 401 };
      if (pathname === '/latest/user-data') return textOr404(server.userData);
      if (pathname === '/latest/meta-data/instance-id') return { status: 200, text: server.id };
      if (pathname === '/latest/dynamic/instance-identity/rsa2048') {
        // Its lines have no armour around them.
        return sign === undefined ? NOTHING : { status: 200, text: lines(await sign(server, '')) };
      }
      const [, tag] = /^\/latest\/meta-data\/tags\/instance\/(.+)$/.exec(pathname) ?? [];
      return tag === undefined ? NOTHING : textOr404(server.tags()[decodeURIComponent(tag)]);
    };
  },
  azure:
    (sign) =>
    async (server, { headers }, { pathname, searchParams }) => {
      if (headers['metadata'] !== 'true' || headers['x-forwarded-for'] !== undefined) return { status: 400 };
      if (!/^20\d\d-\d\d-\d\d$/.test(searchParams.get('api-version') ?? '')) return { status: 400 };
      if (pathname === '/metadata/instance/compute/userData' && searchParams.get('format') === 'text') {
        return { status: 200, text: Buffer.from(server.changeable() ?? '').toString('base64') };
      }
      if (pathname === '/metadata/attested/document' && sign !== undefined) {
        const nonce = searchParams.get('nonce') ?? '';
        if (!/^\d{0,10}$/.test(nonce)) return { status: 400 };
        const document = { encoding: 'pkcs7', signature: await sign(server, nonce) };
        return { status: 200, text: JSON.stringify(document) };
      }
      return NOTHING;
    },
  digitalocean:
    () =>
    (server, _request, { pathname }) => {
      if (pathname === '/metadata/v1/id') return { status: 200, text: server.id };
      if (pathname === '/metadata/v1/user-data') return textOr404(server.userData);
      return pathname === '/metadata/v1/tags' ? { status: 200, text: Object.keys(server.tags()).join('\n') } : NOTHING;
    },
};

function headerOf(headers: IncomingMessage['headers'], name: string): string {
  return String(headers[name] ?? '');
}

function textOr404(text: string | undefined): Reply {
  return text === undefined || text === '' ? NOTHING : { status: 200, text };
}

function lines(base64: string): string {
  return (base64.match(/.{1,64}/g) ?? []).join('\n');
}
