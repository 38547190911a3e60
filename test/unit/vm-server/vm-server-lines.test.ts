import { describe, expect, it } from 'vitest';
import { MAX_CONNECTIONS } from '../../../domain/agent/protocol.ts';
import { parseExchangeReply, parseReportReply } from '../../../vm-server/agent/link/api-replies.ts';
import { parseCount } from '../../../vm-server/agent/counting/local-endpoint.ts';
import { parseCommand } from '../../../vm-server/agent/parse-command.ts';
import { parseRetryAfter } from '../../../vm-server/agent/link/post-json.ts';

describe('commands of the host', () => {
  it('are understood', () => {
    expect(parseCommand('{"type":"confirm","id":"c1"}')).toEqual({ type: 'confirm', id: 'c1' });
    expect(parseCommand('{"type":"drain","draining":false}')).toEqual({ type: 'drain', draining: false });
    expect(parseCommand('{"type":"shutdown","graceSeconds":0}')).toEqual({ type: 'shutdown', graceSeconds: 0 });
  });

  it('are refused when they are garbage or lack something', () => {
    const garbage = [
      'hello',
      '',
      '3',
      'null',
      '[]',
      '{"id":"c1"}',
      '{"type":"confirm"}',
      `{"type":"confirm","id":"${'x'.repeat(65)}"}`,
      '{"type":"drain","draining":"yes"}',
      '{"type":"shutdown","graceSeconds":-1}',
      '{"type":"shutdown","graceSeconds":1e9}',
      '{"type":"assign"}',
      '{"type":"assign","assignment":{"name":"lobby"}}',
    ];
    for (const line of garbage) expect(() => parseCommand(line), line).toThrow();
  });

  it('are passed over when a newer host sends a type that this agent does not know', () => {
    expect(parseCommand('{"type":"resize","cpus":2}')).toBeNull();
  });
});

describe('a count that an app puts', () => {
  it('is a bare number or an object', () => {
    expect(parseCount('3')).toBe(3);
    expect(parseCount(' {"connections": 0}\n')).toBe(0);
  });

  it('is refused when it is no count', () => {
    for (const body of ['', '-1', '1.5', '"3"', 'null', '{}', '[3]', String(MAX_CONNECTIONS + 1), 'NaN']) {
      expect(parseCount(body), body).toBeUndefined();
    }
    expect(parseCount(undefined)).toBeUndefined();
  });
});

describe('answers of the API', () => {
  it('carry the token, the next time and the forwarding state', () => {
    expect(parseExchangeReply({ token: 't', nextReportSeconds: 5 })).toEqual({ token: 't', nextReportSeconds: 5 });
    const forwarded = { sequence: 7, connections: 1, ageMs: 20, tokens: 9.5 };
    expect(parseReportReply({ nextReportSeconds: 5, forwarded, draining: true, token: 'u' })).toEqual({
      nextReportSeconds: 5,
      forwarded,
      draining: true,
      token: 'u',
    });
  });

  it('are none without a token or a time', () => {
    expect(parseExchangeReply({ nextReportSeconds: 5 })).toBeUndefined();
    expect(parseReportReply('<html>')).toBeUndefined();
    expect(parseReportReply(undefined)).toBeUndefined();
  });

  it('never make the agent report in a busy loop, or fall silent', () => {
    expect(parseReportReply({ nextReportSeconds: 0 })?.nextReportSeconds).toBe(0.2);
    expect(parseReportReply({ nextReportSeconds: 1e9 })?.nextReportSeconds).toBe(300);
    expect(parseReportReply({ nextReportSeconds: 'soon' })?.nextReportSeconds).toBe(20);
  });

  it('are carried without a forwarding state that makes no sense', () => {
    const forwarded = { sequence: -1, connections: 1, ageMs: 0, tokens: 1 };
    expect(parseReportReply({ nextReportSeconds: 1, forwarded })?.forwarded).toBeNull();
  });
});

describe('Retry-After', () => {
  it('is in seconds or a date', () => {
    expect(parseRetryAfter('7', 0)).toBe(7);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:30 GMT', 10_000)).toBe(20);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:30 GMT', 60_000)).toBe(0);
    expect(parseRetryAfter('86400', 0)).toBe(120);
  });

  it('is nothing when it is absent or unreadable', () => {
    expect(parseRetryAfter(undefined, 0)).toBeUndefined();
    expect(parseRetryAfter('soon', 0)).toBeUndefined();
  });
});
