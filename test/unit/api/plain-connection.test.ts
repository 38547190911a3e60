import { describe, expect, it } from 'vitest';
import { isPlainConnection, plainAnswer } from '../../../api/agents/plain-connection.ts';
import type { Settings } from '../../../config/settings.ts';
import { goesInClear } from '../../../lib/network/plain-url.ts';
import type { VmView } from '../../../domain/vm/view.ts';

const at = (url: string, tls: Settings['api']['tls'] = null) => ({ url, tls }) as Settings['api'];

describe('an address', () => {
  it('is in clear over http://, unless it is this computer itself', () => {
    for (const url of [
      'http://10.0.0.2:7400',
      'HTTP://api.test/',
      'http://127.0.0.1.evil.test',
      'http://[::2]:1',
      'http://a@b',
    ]) {
      expect(goesInClear(url), url).toBe(true);
    }
    for (const url of [
      'https://10.0.0.2',
      'http://127.0.0.1:7400/x',
      'http://127.9.9.9',
      'http://localhost',
      'http://[::1]:1',
      'http://x@localhost/',
    ]) {
      expect(goesInClear(url), url).toBe(false);
    }
  });
});

describe('a connection', () => {
  it('is plain from another computer, where neither the API nor something before it speaks TLS', () => {
    expect(isPlainConnection(at('http://10.0.0.2:7400'), '10.0.0.9')).toBe(true);
    expect(isPlainConnection(at('http://127.0.0.1:7400'), '10.0.0.9')).toBe(true);
    for (const loopback of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(isPlainConnection(at('http://10.0.0.2:7400'), loopback), loopback).toBe(false);
    }
    expect(isPlainConnection(at('https://api.test'), '10.0.0.9')).toBe(false);
    expect(isPlainConnection(at('http://10.0.0.2', { certFile: '/c', keyFile: '/k' }), '10.0.0.9')).toBe(false);
  });

  it('that is plain ends a VM that waits for its secrets, with the reason, and harms no VM that has them', () => {
    const waiting = { spec: { sealed: { secretEnvNames: ['A'], startupScript: false } } } as unknown as VmView;
    const ready = { ...waiting, readyAt: '2026-01-01T00:00:00.000Z' } as VmView;
    const open = { spec: {} } as VmView;
    const plain = at('http://10.0.0.2:7400');
    const answer = plainAnswer(plain, '10.0.0.9', waiting, {});
    expect(answer).toMatchObject({ kind: 'failed', failure: expect.stringContaining('insecureTransport') as string });
    expect(plainAnswer(plain, '10.0.0.9', ready, {})).toEqual({ kind: 'nothing' });
    expect(plainAnswer(plain, '10.0.0.9', open, {})).toBeUndefined();
    expect(plainAnswer(plain, '10.0.0.9', waiting, { assigned: { state: 'done' } })).toBeUndefined();
    expect(plainAnswer(plain, '127.0.0.1', waiting, {})).toBeUndefined();
  });
});
