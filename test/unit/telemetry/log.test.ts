import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../telemetry/log.ts';

function written(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  const destination = { write: (line: string): void => void (text += line) };
  write(createLog('test', { logLevel: 'debug' }, destination));
  return text;
}

describe('a line of the log', () => {
  it('says its level by name', () => {
    const lines = written((log) => {
      log.debug('one');
      log.warn({ machineId: 'm-1' }, 'two');
      log.child({ component: 'x' }).error('three');
    });
    const levels = lines
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { level: unknown }).level);
    expect(levels).toEqual(['debug', 'warn', 'error']);
  });

  it('never holds what goes by the name of a secret, however deep it is', () => {
    const canary = `canary-${randomUUID()}`;
    const secrets = () => ({
      ...{ authorization: canary, Cookie: canary, secretEnv: { PASSWORD: canary }, startupScript: canary },
      ...{ token: canary, api_key: canary, 'set-cookie': [canary], agentBootstrap: { apiUrl: 'x', secret: canary } },
    });
    const request = { headers: secrets(), body: { spec: secrets() } };
    const failure = Object.assign(new Error('refused', { cause: Object.assign(new Error('inner'), { request }) }), {
      config: request,
    });
    const text = written((log) => {
      log.info(secrets(), 'flat');
      log.info({ request, list: [{ of: secrets() }] }, 'deep');
      log.error({ err: failure }, 'an error with all it drags along');
    });
    expect(text.split('\n')).toHaveLength(4);
    expect(text).not.toContain(canary);
    expect(text).toContain('[redacted]');
    expect(text).toContain('refused');
  });

  it('never holds a key or a bearer token inside its text', () => {
    const key = `eph_0123abcd_${'k'.repeat(32)}`;
    const jwt = `eyJ${'h'.repeat(20)}.${'p'.repeat(40)}.${'s'.repeat(40)}`;
    const text = written((log) => {
      log.info(`GET / with Bearer ${key}`);
      log.warn({ err: new Error(`Authorization: Bearer ${jwt}`) }, `answered ${jwt}`);
    });
    expect(text).not.toContain(key);
    expect(text).not.toContain(jwt);
    expect(text).toContain('GET / with Bearer [redacted]');
  });

  it('keeps what leads on: ids, routes, states and the text of errors', () => {
    const facts = { requestId: 'r1', workflowId: 'vm/default/lobby', machineId: 'm-1', state: 'running', tokens: 3 };
    const line = JSON.parse(written((log) => log.info({ ...facts, err: new TypeError('broken') }, 'text'))) as object;
    expect(line).toMatchObject({ ...facts, msg: 'text', err: { type: 'TypeError', message: 'broken' } });
  });

  it('ends, whatever is in it', () => {
    const circle: Record<string, unknown> = { bytes: new Uint8Array(1000), big: 1n.toString(), date: new Date(0) };
    circle['self'] = circle;
    const line = JSON.parse(written((log) => log.info(circle, 'round'))) as object;
    expect(line).toMatchObject({ bytes: '[1000 bytes]', self: '…', date: '1970-01-01T00:00:00.000Z' });
  });
});
