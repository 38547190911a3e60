/** Headers between a visitor and the program in a VM. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ofOneHost, plantsLink } from '../access/link-cookie.ts';

/** They are about one connection alone (RFC 9110). The length of a body and how it is framed are for Node, which writes both anew. */
const HOP_BY_HOP = [
  ...['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'upgrade'],
  ...['proxy-authenticate', 'proxy-authorization', 'expect'],
];
/** Whatever a `connection` header says, a message keeps these: without them it would end elsewhere. */
const KEPT = ['content-length', 'transfer-encoding', 'host', 'cookie', 'set-cookie'];
/** A visitor does not tell the program who asks. To many programs `x_ephemera_user` is the same name, as CGI and WSGI have it. */
const OURS = [
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-real-ip'],
  ...['x-ephemera-user', 'via'],
];

export interface Forwarding {
  isSecure: boolean;
  /** Without the link. */
  cookies: string | undefined;
  /** For whom the link was made. */
  user: string | undefined;
}

/** Changes the headers of a request into those for the program in the VM. */
export function prepareRequest(request: IncomingMessage, { isSecure, cookies, user }: Forwarding): void {
  const { headers } = request;
  const isUpgrade = isWebSocket(headers);
  const isOurs = (name: string): boolean => OURS.includes(name.replaceAll('_', '-'));
  for (const name of [...hopByHop(headers), ...Object.keys(headers).filter(isOurs)]) {
    Reflect.deleteProperty(headers, name);
  }
  if (isUpgrade) Object.assign(headers, { connection: 'Upgrade', upgrade: 'websocket' });
  if (cookies === undefined) delete headers.cookie;
  else headers.cookie = cookies;
  const host = headers.host ?? '';
  const port = /:(\d+)$/.exec(host)?.[1] ?? (isSecure ? '443' : '80');
  headers['x-forwarded-for'] = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  headers['x-forwarded-host'] = host;
  headers['x-forwarded-proto'] = isSecure ? 'https' : 'http';
  headers['x-forwarded-port'] = port;
  if (user !== undefined) headers['x-ephemera-user'] = user;
}

/** Changes the headers of the program's answer into those for the visitor. */
export function prepareAnswer(answer: IncomingMessage, keepsAlive: boolean): void {
  const { headers } = answer;
  for (const name of hopByHop(headers)) Reflect.deleteProperty(headers, name);
  headers.connection = keepsAlive ? 'keep-alive' : 'close';
  keepCookiesOwn(answer);
}

/** A cookie of the program is of its own host name, and is no link: also that of an answer which begins a WebSocket. */
export function keepCookiesOwn({ headers }: IncomingMessage): void {
  const cookies = headers['set-cookie']?.filter((cookie) => !plantsLink(cookie)).map(ofOneHost);
  if (cookies !== undefined) headers['set-cookie'] = cookies;
}

export function isWebSocket(headers: IncomingHttpHeaders): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

function hopByHop({ connection = '' }: IncomingHttpHeaders): string[] {
  const listed = connection.split(',').map((name) => name.trim().toLowerCase());
  return [...HOP_BY_HOP, ...listed.filter((name) => name !== '' && !KEPT.includes(name))];
}
