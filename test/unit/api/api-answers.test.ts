import { ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answerReport } from '../../../api/agents/answer-report.ts';
import { RateLimiter } from '../../../api/http/limits/rate-limiter.ts';
import { bearerToken, identify, requireRole } from '../../../api/http/authenticate.ts';
import { problemOf } from '../../../api/http/errors/error-handler.ts';
import { ApiProblem, problemDocument } from '../../../api/http/errors/problem.ts';
import { typedQuery, validate } from '../../../api/http/validate.ts';
import { nameSchema } from '../../../spec/spec-fields.ts';
import { listQuerySchema } from '../../../api/schemas/requests.ts';
import { nameForKey, readableName } from '../../../api/vms/create/vm-names.ts';
import type { HttpReport } from '../../../domain/agent/protocol.ts';
import { API_ERROR, todoText, type ApiErrorCode } from '../../../domain/error-codes.ts';
import { FORWARDING } from '../../../domain/agent/report-forwarding.ts';
import type { VmView } from '../../../domain/vm/view.ts';

const grpc = (code: number) =>
  new ServiceError('failed', {
    cause: Object.assign(new Error('grpc'), { code, details: 'secret detail', metadata: {} }),
  });

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiProblem) return error.code;
    throw error;
  }
  return 'fine';
}

describe('an error', () => {
  it('of Temporal that says nothing about the request is a 503', () => {
    for (const number of [1, 4, 8, 14]) expect(problemOf(grpc(number)).code).toBe('temporalUnavailable');
    expect(problemOf(new ServiceError('no connection', { cause: new Error('ENOTFOUND') })).status).toBe(503);
  });

  it('of ours is a 500 that tells nothing of itself', () => {
    for (const error of [
      grpc(3),
      new WorkflowNotFoundError('x', 'vm/a/b', undefined),
      new Error('password=1'),
      'x',
      null,
    ]) {
      const problem = problemOf(error);
      expect(problem.code).toBe('internal');
      expect(JSON.stringify(problemDocument(problem, 'r1'))).not.toMatch(/password|secret|vm\/a\/b/);
    }
  });

  it('has the status, title and next step of its code', () => {
    for (const name of Object.keys(API_ERROR) as ApiErrorCode[]) {
      const document = problemDocument(new ApiProblem(name, 'What was wrong.'), 'r1');
      const { status, title, todo } = API_ERROR[name];
      expect(document).toEqual({
        type: `/docs/errors#${name}`,
        title,
        status,
        detail: `What was wrong. ${todoText(todo, 'it')}`,
        code: name,
        requestId: 'r1',
      });
    }
  });
});

describe('the detail of an error', () => {
  const detailOf = (problem: ApiProblem): string => problemDocument(problem, 'r1').detail;
  const detail = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof ApiProblem) return detailOf(error);
    }
    throw new Error('it was accepted');
  };

  it('says itself which fields to correct, and never points at itself', () => {
    const schema = z.strictObject({ cpus: z.int().max(4), name: z.string() });
    expect(detail(() => validate(schema, { cpus: 9, name: 1, more: 1, less: 2 }, 'body'))).toMatch(
      /Correct body\.cpus, body\.name, body\.more and body\.less; \/docs shows the schema\.$/,
    );
    expect(detail(() => validate(schema, { cpus: 9, name: '' }, 'body'))).toMatch(/Correct body\.cpus; /);
    expect(detail(() => validate(schema, 7, 'body'))).toMatch(/Correct body; /);
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, 1]));
    expect(detail(() => validate(schema, { cpus: 1, name: '', ...many }, 'body')).length).toBeLessThan(1000);
    expect(detailOf(new ApiProblem('unsupportedOption', 'body.spot: local does not support spot'))).toMatch(
      /Drop body\.spot or choose another provider\.$/,
    );
    for (const name of Object.keys(API_ERROR) as ApiErrorCode[]) {
      expect(detailOf(new ApiProblem(name, 'What was wrong'))).not.toMatch(/`detail` names|\[/);
    }
  });
});

describe('validation', () => {
  it('names every wrong field and never its value', () => {
    const schema = z.strictObject({ token: z.string().max(3), count: z.int() });
    expect(code(() => validate(schema, { token: 'hunter2', count: 'x', more: 1 }, 'body'))).toBe('invalidRequest');
    expect(() => validate(schema, { token: 'hunter2', count: 'x', more: 1 }, 'body')).toThrow(
      /^(?!.*hunter2).*body\.token.*body\.count.*"more"/,
    );
  });

  it('gives query strings their types only where the text is exactly one', () => {
    const typed = (query: string) => typedQuery(listQuerySchema, new URLSearchParams(query));
    expect(typed('pageSize=5&fresh=true&label=a=b&label=c=d&state=running')).toEqual({
      pageSize: 5,
      fresh: true,
      label: ['a=b', 'c=d'],
      state: ['running'],
    });
    expect(typed('pageSize=05&fresh=1&__proto__=x')).toEqual(
      Object.fromEntries([
        ['pageSize', '05'],
        ['fresh', '1'],
        ['__proto__', 'x'],
      ]),
    );
    expect(typed('pageSize=1&pageSize=2')).toEqual({ pageSize: ['1', '2'] });
  });
});

describe('a key', () => {
  const holders = {
    v: { id: 'v', project: 'p', role: 'viewer' },
    a: { id: 'a', project: 'p', role: 'admin' },
  } as const;
  const old = { holder: { id: 'old', project: 'p', role: 'admin' }, why: 'revoked' } as const;
  const keys = {
    verify: (token: unknown) => (token === 'v' || token === 'a' ? holders[token] : undefined),
    ended: (token: unknown) => (token === 'old' ? old : undefined),
  };

  it('opens what its role may do', () => {
    expect(code(() => identify(keys, undefined))).toBe('unauthenticated');
    expect(code(() => identify(keys, 'x'))).toBe('unauthenticated');
    expect(code(() => requireRole(identify(keys, 'v'), 'operator'))).toBe('forbidden');
    expect(code(() => requireRole(identify(keys, 'a'), 'operator'))).toBe('fine');
  });

  it('that has ended is refused, and the answer says which and why', () => {
    expect(() => identify(keys, 'old')).toThrow('The API key old is revoked');
  });

  it('is read from a bearer header alone', () => {
    expect(bearerToken('Bearer abc')).toBe('abc');
    expect(bearerToken('bearer abc')).toBe('abc');
    for (const header of [undefined, '', 'Basic abc', 'Bearer', 'Bearer a b', 'Bearer \u00e9']) {
      expect(bearerToken(header)).toBeUndefined();
    }
  });
});

describe('a rate limit', () => {
  it('lets a burst through, then the long-run rate, for each caller alone', () => {
    const limit = new RateLimiter({ burst: 3, perSecond: 1 });
    for (let count = 0; count < 3; count += 1) limit.take('a', 0);
    expect(code(() => limit.take('a', 0))).toBe('rateLimited');
    expect(code(() => limit.take('b', 0))).toBe('fine');
    expect(code(() => limit.take('a', 999))).toBe('rateLimited');
    expect(code(() => limit.take('a', 1000))).toBe('fine');
  });
});

describe('a generated name', () => {
  it('is a valid one', () => {
    for (let count = 0; count < 200; count += 1) expect(readableName()).toMatch(/^[a-z]+-[a-z]+-[a-z0-9]{5}$/);
    expect(nameSchema.safeParse(nameForKey('0'.repeat(64))).success).toBe(true);
  });
});

describe('the answer to a report', () => {
  const view = {
    state: 'running',
    aliveBecause: 'connections',
    spec: { idle: { silenceTimeoutSeconds: 300 } },
  } as VmView;
  const report: HttpReport = {
    sequence: 5,
    connections: 2,
    ready: true,
    calmMs: 5000,
    forwarded: { sequence: 4, connections: 2, ageMs: 1000, tokens: 10 },
  };
  const answer = (more: Partial<HttpReport> = {}, viewMore: Partial<VmView> = {}) =>
    answerReport({ ...report, ...more }, { ...view, ...viewMore }, 1_000_000);

  it('keeps an edge, a first report and an answer to a question durably, and nothing that has not changed', () => {
    expect(answer().forward).toBe(false);
    expect(answer({ connections: 0 }).forward).toBe(true);
    expect(answer({ forwarded: null }).forward).toBe(true);
    expect(answer({}, { aliveBecause: 'confirming' })).toMatchObject({
      forward: true,
      reply: { nextReportSeconds: 1 },
    });
    expect(answer({ connections: 0, ready: false }).forward).toBe(false);
    expect(answer({ connections: 0 }, { state: 'destroying' }).forward).toBe(false);
  });

  it('takes the leaving of the last user from the bucket that the agent carries, full where an older one has none', () => {
    const forwarded = { sequence: 4, connections: 2, ageMs: 0, tokens: 10 };
    const left = (edgeTokens: number) => answer({ connections: 0, forwarded: { ...forwarded, edgeTokens } });
    expect(left(1)).toMatchObject({ forward: true, reply: { forwarded: { edgeTokens: 0 } } });
    expect(left(0.9)).toMatchObject({ forward: false, reply: { nextReportSeconds: 3 } });
    const older = answer({ connections: 0, forwarded }).reply.forwarded;
    expect(older?.edgeTokens).toBe(FORWARDING.edgeBucketSize - 1);
  });

  it('asks again when a change has calmed down, and well before silence is suspected', () => {
    expect(answer({ connections: 3, calmMs: 0 })).toMatchObject({ forward: false, reply: { nextReportSeconds: 1 } });
    expect(answer().reply.nextReportSeconds).toBe(20);
    const nervous = { spec: { idle: { silenceTimeoutSeconds: 10 } } } as VmView;
    expect(answer({}, nervous).reply.nextReportSeconds).toBeLessThanOrEqual(5);
  });

  it('asks an empty machine right when its VM is about to end, so that nothing waits for it', () => {
    const empty = { connections: 0, forwarded: { sequence: 4, connections: 0, ageMs: 1000, tokens: 10 } };
    const dueAt = (at: number) => ({ nextDeadline: { kind: 'idle', at: new Date(at).toISOString() } as const });
    expect(answer(empty, dueAt(1_005_000)).reply.nextReportSeconds).toBe(6);
    expect(answer(empty, dueAt(900_000)).reply.nextReportSeconds).toBe(1);
    expect(answer(empty, dueAt(9_000_000)).reply.nextReportSeconds).toBe(20);
    expect(answer({ connections: 0 }).reply.nextReportSeconds).toBe(2);
    expect(answer({}, dueAt(1_005_000)).reply.nextReportSeconds).toBe(20);
  });

  it('carries what was forwarded, so that the next replica knows', () => {
    expect(answer({ connections: 0 }).reply.forwarded).toMatchObject({ sequence: 5, connections: 0, ageMs: 0 });
    expect(answer().reply.forwarded).toEqual(report.forwarded);
    expect(answer({}, { state: 'draining' }).reply.draining).toBe(true);
  });
});
