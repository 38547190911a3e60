import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { prepareAnswer, prepareRequest } from '../../../gateway/http/forwarded-headers.ts';
import { refusalPage } from '../../../gateway/http/pages.ts';
import { askedFor, isOfForeignPage } from '../../../gateway/http/visit.ts';
import { refusal, Refused } from '../../../gateway/refusal.ts';

const site = { domain: 'vms.test', isSecure: true };
const HOST = '8080--lobby.vms.test';

function message(headers: Record<string, string | string[]>, more: object = {}): IncomingMessage {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  const socket = { remoteAddress: '::ffff:203.0.113.9' };
  return { method: 'GET', url: '/', headers, rawHeaders, socket, ...more } as unknown as IncomingMessage;
}

function codeOf(request: IncomingMessage): string {
  try {
    askedFor(request, site);
    return 'passed';
  } catch (error) {
    return error instanceof Refused ? error.refusal.code : 'thrown';
  }
}

describe('a request', () => {
  it('is taken with one Host of ours and a plain path, and otherwise not looked at', () => {
    expect(askedFor(message({ host: HOST }, { url: '/a?b' }), site)).toMatchObject({
      port: 8080,
      name: 'lobby',
      path: '/a?b',
    });
    expect(codeOf(message({ host: 'evil.test' }))).toBe('wrongHost');
    expect(codeOf(message({}))).toBe('badRequest');
    expect(codeOf(message({ host: HOST }, { url: 'http://evil.test/' }))).toBe('badRequest');
    expect(codeOf(message({ host: HOST }, { url: '*' }))).toBe('badRequest');
    expect(codeOf(message({ host: HOST }, { rawHeaders: ['Host', HOST, 'host', 'evil.test'] }))).toBe('badRequest');
  });

  it('goes on without the link, hop-by-hop headers and what only the gateway may say', () => {
    const request = message({
      ...{
        host: HOST,
        cookie: 'a=1; __Host-ephemera_link=t',
        connection: 'keep-alive, X-Mine',
        'x-mine': '1',
        te: 'trailers',
      },
      ...{
        'x-forwarded-for': '10.0.0.1',
        'x-ephemera-user': 'root',
        forwarded: 'for=me',
        expect: '100-continue',
        accept: '*/*',
      },
    });
    const { cookies } = askedFor(request, site);
    prepareRequest(request, { isSecure: true, cookies, user: 'ann' });
    expect(request.headers).toEqual({
      ...{ host: HOST, cookie: 'a=1', accept: '*/*', 'x-ephemera-user': 'ann' },
      ...{
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-host': HOST,
        'x-forwarded-proto': 'https',
        'x-forwarded-port': '443',
      },
    });
  });

  it('says who its visitor is in no other spelling either, which CGI and WSGI take for the same', () => {
    const request = message({ host: HOST, x_ephemera_user: 'root', x_forwarded_for: '10.0.0.1', 'x-mine_too': '1' });
    prepareRequest(request, { isSecure: true, cookies: undefined, user: undefined });
    expect(Object.keys(request.headers).filter((name) => name.includes('_'))).toEqual(['x-mine_too']);
  });

  it('ends where its sender says it does, whatever else that sender calls hop-by-hop', () => {
    const request = message({
      host: HOST,
      connection: 'content-length, transfer-encoding, host',
      'content-length': '5',
    });
    prepareRequest(request, { isSecure: false, cookies: undefined, user: undefined });
    expect(request.headers).toMatchObject({ host: HOST, 'content-length': '5' });
    expect(request.headers).not.toHaveProperty('connection');
  });

  it('of another page is refused where it could change something or listen', () => {
    const from = (origin: string, more: object = {}, headers: Record<string, string> = {}): boolean => {
      const request = message({ host: HOST, origin, ...headers }, more);
      return isOfForeignPage(request, askedFor(request, site), site);
    };
    expect(from('https://8080--other.vms.test', { method: 'POST' })).toBe(true);
    expect(from('https://8080--other.vms.test', {}, { upgrade: 'websocket' })).toBe(true);
    expect(from('null', { method: 'POST' })).toBe(true);
    expect(from(`http://${HOST}`, {}, { upgrade: 'websocket' })).toBe(true);
    expect(from(`https://${HOST}:443`, { method: 'POST' })).toBe(false);
    expect(from(`https://${HOST}`, { method: 'POST' })).toBe(false);
    expect(from('https://8080--other.vms.test')).toBe(false);
  });
});

describe('an answer', () => {
  it('loses hop-by-hop headers, and cookies that would stand for a link', () => {
    const answer = message({
      ...{ connection: 'close, x-hop', 'x-hop': '1', 'keep-alive': 'timeout=5', 'content-length': '2' },
      'set-cookie': ['a=1', '__Host-ephemera_link=mine; Path=/'],
    });
    prepareAnswer(answer, true);
    expect(answer.headers).toEqual({ connection: 'keep-alive', 'content-length': '2', 'set-cookie': ['a=1'] });
  });

  it('keeps the cookies of its own host name, however it writes their domain', () => {
    const cookies = [
      ...['a=1; Domain=vms.test; Path=/', 'b=2; domain = vms.test', 'c=3; Domain=x; DOMAIN=vms.test; Secure'],
      ...['d=domain=vms.test; Path=/domain'],
    ];
    const answer = message({ 'set-cookie': cookies });
    prepareAnswer(answer, true);
    const kept = ['a=1; Path=/', 'b=2', 'c=3; Secure', 'd=domain=vms.test; Path=/domain'];
    expect(answer.headers['set-cookie']).toEqual(kept);
  });

  it('of the gateway itself is a page for people, which looks again by itself, and JSON for programs', () => {
    const why = refusal('waking', 'It waits: <b>"no room"</b>');
    const page = refusalPage(why, { forPeople: true, host: HOST });
    expect(page).toMatchObject({ status: 503, headers: { 'retry-after': '2', 'cache-control': 'no-store' } });
    expect(page.body).toContain('<meta http-equiv="refresh" content="2">');
    expect(page.body).not.toContain('<b>');
    expect(JSON.parse(refusalPage(why, { forPeople: false, host: HOST }).body)).toMatchObject({
      code: 'waking',
      status: 503,
    });
  });
});
