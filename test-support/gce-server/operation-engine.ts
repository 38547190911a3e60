import { randomUUID } from 'node:crypto';
import { ApiError, notFound } from './api-error.ts';
import type { Operation, OperationError } from './resources.ts';

/** What an operation does: `begin` when it starts to run, `finish` when it is done. An error undoes nothing by itself. */
export interface OperationWork {
  begin?: () => OperationError | undefined;
  finish?: () => undefined;
}

export interface EngineOptions {
  /** Time an operation is PENDING, and again RUNNING. */
  stepMs: number;
  /** `wait` answers after this, done or not; 2 minutes in the real one. */
  waitLimitMs: number;
  project: string;
}

export interface OperationStart extends OperationWork {
  operationType: string;
  targetLink: string;
  /** Undefined for a global operation. */
  zone?: string;
  requestId: string | null;
}

/** Request ids are remembered for an hour. */
const REQUEST_ID_MS = 3600 * 1000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ZERO_UUID = '00000000-0000-0000-0000-000000000000';
export const LINK_BASE = 'https://www.googleapis.com/compute/v1';

/** Runs operations through PENDING, RUNNING and DONE, and answers a repeated request id with the first operation. */
export class OperationEngine {
  readonly operations = new Map<string, Operation>();
  /** Errors that the next operations of a type end with, whatever they would have done. */
  readonly failNext = new Map<string, { error: OperationError; httpStatus: number; times: number }>();
  /** Added to the clock, so that tests need not wait for hours. */
  skewMs = 0;
  private readonly options: EngineOptions;
  private readonly byRequestId = new Map<string, { operation: Operation; at: number }>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly waiting = new Map<string, Set<() => void>>();
  private nextId = 1;

  constructor(options: EngineOptions) {
    this.options = options;
  }

  now(): Date {
    return new Date(Date.now() + this.skewMs);
  }

  newId(): string {
    return `${7_000_000_000_000_000_000n + BigInt(this.nextId++)}`;
  }

  /** The operation that a request id was first used for, if it still counts. @throws ApiError 400 for no UUID. */
  repeated(requestId: string | null, targetLink: string): Operation | undefined {
    if (requestId === null) return undefined;
    if (!UUID.test(requestId) || requestId === ZERO_UUID) {
      throw new ApiError(400, 'invalid', `Invalid value for field 'requestId': '${requestId}'. Must be a UUID.`);
    }
    const known = this.byRequestId.get(requestId);
    if (known === undefined || this.now().getTime() - known.at > REQUEST_ID_MS) return undefined;
    if (known.operation.targetLink !== targetLink) {
      throw new ApiError(400, 'invalid', `requestId '${requestId}' was used for another resource`);
    }
    return known.operation;
  }

  start({ operationType, targetLink, zone, requestId, begin, finish }: OperationStart): Operation {
    const name = `operation-${Date.now()}-${randomUUID().slice(0, 18)}`;
    const place = zone === undefined ? 'global' : `zones/${zone}`;
    const projectLink = `${LINK_BASE}/projects/${this.options.project}`;
    const operation: Operation = {
      kind: 'compute#operation',
      id: this.newId(),
      name,
      ...(zone === undefined ? {} : { zone: `${projectLink}/zones/${zone}` }),
      operationType,
      status: 'PENDING',
      progress: 0,
      targetLink,
      insertTime: this.now().toISOString(),
      selfLink: `${projectLink}/${place}/operations/${name}`,
    };
    this.operations.set(name, operation);
    if (requestId !== null) this.byRequestId.set(requestId, { operation, at: this.now().getTime() });
    this.later(() => {
      operation.status = 'RUNNING';
      operation.startTime = this.now().toISOString();
      const early = this.injected(operationType) ?? outcome(begin?.());
      this.later(() => {
        if (early === undefined) finish?.();
        this.finish(operation, early);
      });
    });
    return operation;
  }

  /** An operation that the system itself did, such as a preemption. */
  record(operationType: string, targetLink: string, zone: string): void {
    const operation = this.start({ operationType, targetLink, zone, requestId: null });
    operation.status = 'RUNNING';
    this.finish(operation, undefined);
  }

  get(name: string, path: string): Operation {
    const operation = this.operations.get(name);
    if (operation === undefined) throw notFound(path);
    return operation;
  }

  /** Resolves when the operation is done or the limit of `wait` is over. */
  async wait(name: string, path: string): Promise<Operation> {
    const operation = this.get(name, path);
    if (operation.status === 'DONE') return operation;
    await new Promise<void>((resolve) => {
      const waiters = this.waiting.get(name) ?? new Set();
      this.waiting.set(name, waiters);
      const done = (): void => {
        waiters.delete(done);
        clearTimeout(timer);
        this.timers.delete(timer);
        resolve();
      };
      const timer = setTimeout(done, this.options.waitLimitMs);
      this.timers.add(timer);
      waiters.add(done);
    });
    return operation;
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    for (const waiters of this.waiting.values()) for (const done of waiters) done();
  }

  private injected(operationType: string): Outcome | undefined {
    const planned = this.failNext.get(operationType);
    if (planned === undefined || planned.times <= 0) return undefined;
    planned.times -= 1;
    return { error: planned.error, httpStatus: planned.httpStatus };
  }

  private finish(operation: Operation, failed: Outcome | undefined): void {
    operation.status = 'DONE';
    operation.progress = 100;
    operation.endTime = this.now().toISOString();
    if (failed !== undefined) {
      operation.error = { errors: [failed.error] };
      operation.httpErrorStatusCode = failed.httpStatus;
      operation.httpErrorMessage = failed.error.code;
    }
    for (const done of this.waiting.get(operation.name) ?? []) done();
  }

  private later(work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, this.options.stepMs);
    this.timers.add(timer);
  }
}

interface Outcome {
  error: OperationError;
  httpStatus: number;
}

const STATUS_OF: Readonly<Record<string, number>> = {
  RESOURCE_NOT_FOUND: 404,
  RESOURCE_ALREADY_EXISTS: 409,
  CONDITION_NOT_MET: 412,
  QUOTA_EXCEEDED: 403,
  ZONE_RESOURCE_POOL_EXHAUSTED: 503,
};

function outcome(error: OperationError | undefined): Outcome | undefined {
  return error ? { error, httpStatus: STATUS_OF[error.code] ?? 400 } : undefined;
}
