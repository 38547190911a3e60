import { describe, expect, it } from 'vitest';
import { isMutation } from '../../../api/http/log/audit.ts';
import { ApiProblem } from '../../../api/http/errors/problem.ts';
import { RequestLimits } from '../../../api/http/limits/request-limits.ts';
import { ROUTES } from '../../../api/routes.ts';

const LIMITS = { readsPerSecond: 5, mutationsPerSecond: 1, wrongKeysPerMinute: 6, waitsPerKey: 2 };
const key = (id: string) => ({ id, project: 'p', role: 'operator' as const });

/** `fine`, or the code and the seconds to wait. */
function outcome(run: () => unknown): string {
  try {
    run();
    return 'fine';
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    return `${error.code} ${error.headers['retry-after'] ?? ''}`;
  }
}
const many = (times: number, run: () => unknown) => Array.from({ length: times }, () => outcome(run));
const fine = (times: number) => Array.from({ length: times }, () => 'fine');

describe('the files of the page /docs', () => {
  it('are limited for each address, and cost it no other request', () => {
    const limits = new RequestLimits(LIMITS);
    expect(many(101, () => limits.takeDocs('a', 0)).at(-1)).toBe('rateLimited 1');
    expect(outcome(() => limits.takeDocs('b', 0))).toBe('fine');
    expect(many(2000, () => limits.takeOpen('a', 0))).toEqual(fine(2000));
  });
});

describe('the budgets of a key', () => {
  it('for reads and for changes are separate, and each key has its own', () => {
    const limits = new RequestLimits(LIMITS);
    expect(many(11, () => limits.takeKeyed(key('a'), true, 0))).toEqual([...fine(10), 'rateLimited 1']);
    expect(many(11, () => limits.takeKeyed(key('a'), false, 0))).toEqual([...fine(10), 'rateLimited 1']);
    expect(outcome(() => limits.takeKeyed(key('b'), true, 0))).toBe('fine');
    expect(many(3, () => limits.takeKeyed(key('a'), true, 2000))).toEqual([...fine(2), 'rateLimited 1']);
  });

  it('bound how many of its requests wait at once, and each end makes room for one', () => {
    const limits = new RequestLimits(LIMITS);
    const ends = [limits.beginWait(key('a')), limits.beginWait(key('a'))];
    expect(outcome(() => limits.beginWait(key('a')))).toBe('tooManyWaits 1');
    expect(outcome(() => limits.beginWait(key('b')))).toBe('fine');
    ends[0]?.();
    expect(many(2, () => limits.beginWait(key('a')))).toEqual(['fine', 'tooManyWaits 1']);
  });
});

describe('an address that tries keys', () => {
  it('may show so many wrong ones, then gets 429 for each more, until time has passed', () => {
    const limits = new RequestLimits(LIMITS);
    expect(many(7, () => limits.takeWrongKey('x', 0))).toEqual([...fine(6), 'rateLimited 10']);
    expect(outcome(() => limits.takeWrongKey('y', 0))).toBe('fine');
    expect(many(2, () => limits.takeWrongKey('x', 10_000))).toEqual(['fine', 'rateLimited 10']);
  });
});

describe('an address that proves nothing', () => {
  it('is refused its exchanges after a burst, and a machine that proves itself has a budget of its own', () => {
    const limits = new RequestLimits(LIMITS);
    expect(many(501, () => limits.takeRefusedAgent('x', 0)).at(-1)).toBe('rateLimited 1');
    expect(outcome(() => limits.takeExchange('m-1', 0))).toBe('fine');
  });
});

describe('the routes', () => {
  it('that take another method than GET are changes, but for what a machine says of itself', () => {
    const not = ROUTES.filter((route) => route.method !== 'get' && !isMutation(route));
    expect(not.map(({ path }) => path).sort()).toEqual(['/v1/agent/exchange', '/v1/agent/report']);
  });
});
