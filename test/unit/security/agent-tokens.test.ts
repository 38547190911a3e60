import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { TIMEOUTS } from '../../../domain/timeouts.ts';

const secret = new Uint8Array(32).fill(3);
const tokens = new AgentTokens(secret, 'blue');
const subject = { workflowId: 'vm/default/lobby', machineId: 'm-1' };
const now = 1_700_000_000_000;
const ISSUED_BEFORE = {
  bootstrap:
    'eyJkZXBsb3ltZW50IjoiYmx1ZSIsIndvcmtmbG93SWQiOiJ2bS9kZWZhdWx0L2xvYmJ5IiwibWFjaGluZUlkIjoibS0xIiwiaXNzdWVkQXQiOjE3MDAwMDAwMDAwMDAsImV4cGlyZXNBdCI6MTcwMDAwMzYwMDAwMH0.f_VTZNuGDfVfAqZfVmWbqeMKsDMc4X1bsE7JoGugHgI',
  report:
    'eyJkZXBsb3ltZW50IjoiYmx1ZSIsIndvcmtmbG93SWQiOiJ2bS9kZWZhdWx0L2xvYmJ5IiwibWFjaGluZUlkIjoibS0xIiwiaXNzdWVkQXQiOjE3MDAwMDAwMDAwMDAsImV4cGlyZXNBdCI6MTcwMDAwMDkwMDAwMH0.2LG3eQiW9flHfwHFwcXYsOKl9K8jATf5Pqvk7IG6co0',
};

describe('agent tokens', () => {
  it('say which machine they are for, until they expire', () => {
    const token = tokens.issue('report', subject, now);
    const expiresAt = now + TIMEOUTS.agentTokenSeconds * 1000;
    expect(tokens.verify('report', token, now)).toEqual({ ...subject, issuedAt: now, expiresAt });
    expect(tokens.verify('report', token, expiresAt - 1)).toBeDefined();
    expect(tokens.verify('report', token, expiresAt)).toBeUndefined();
  });

  it('for reports can be renewed after that, when they are authentic, and no others can', () => {
    const token = tokens.issue('report', subject, now);
    const long = now + 30 * 24 * 3600 * 1000;
    expect(tokens.verifyRenewable(token, long)).toMatchObject(subject);
    expect(tokens.verifyRenewable(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, long)).toBeUndefined();
    expect(tokens.verifyRenewable(tokens.issue('bootstrap', subject, now), long)).toBeUndefined();
    expect(tokens.verifyRenewable(new AgentTokens(secret, 'green').issue('report', subject, now), now)).toBeUndefined();
    expect(tokens.verifyRenewable(tokens.issue('report', subject, long), now)).toBeUndefined();
  });

  it('verify on another replica with the same secret', () => {
    const token = tokens.issue('bootstrap', subject, now);
    expect(new AgentTokens(secret, 'blue').verify('bootstrap', token, now)).toBeDefined();
  });

  it('of an earlier version hold', () => {
    const before = (kind: 'bootstrap' | 'report') => tokens.verify(kind, ISSUED_BEFORE[kind], now + 1000);
    expect(before('bootstrap')).toMatchObject(subject);
    expect(before('report')).toMatchObject(subject);
  });

  it('speak for whatever owns a machine, and for no other workflow', () => {
    const issued = (workflowId: string) => tokens.issue('report', { ...subject, workflowId }, now);
    expect(tokens.verify('report', issued('warm/t/1'), now)).toMatchObject({
      workflowId: 'warm/t/1',
      machineId: 'm-1',
    });
    for (const id of ['host/attic', 'sweep/test', 'join/1', 'vm/default/lobby/x', '../vm', '']) {
      expect(tokens.verify('report', issued(id), now)).toBeUndefined();
    }
  });

  it('are worth nothing for another kind, deployment or secret', () => {
    const token = tokens.issue('bootstrap', subject, now);
    expect(tokens.verify('report', token, now)).toBeUndefined();
    expect(new AgentTokens(secret, 'green').verify('bootstrap', token, now)).toBeUndefined();
    expect(new AgentTokens(new Uint8Array(32).fill(4), 'blue').verify('bootstrap', token, now)).toBeUndefined();
  });

  it('are refused when a single character differs', () => {
    const token = tokens.issue('report', subject, now);
    for (let index = 0; index < token.length; index++) {
      const other = token[index] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      expect(tokens.verify('report', changed, now)).toBeUndefined();
    }
  });

  it('are refused when they come from the future', () => {
    const token = tokens.issue('report', subject, now + 10 * 60_000);
    expect(tokens.verify('report', token, now)).toBeUndefined();
  });

  it('never throw on garbage', () => {
    fc.assert(fc.property(fc.anything(), (garbage) => tokens.verify('report', garbage, now) === undefined));
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => !tokens.verify('report', `${a}.${b}`, now)));
    expect(tokens.verify('report', 'x'.repeat(10_000_000), now)).toBeUndefined();
  });
});
