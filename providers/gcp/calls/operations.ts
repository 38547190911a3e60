import type { CallSettings } from '../../cloud/api-calls.ts';
import type { ComputeCalls } from './compute-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import { failureOfOperation } from './client-errors.ts';
import type { ComputeApi, OperationResource } from './compute-api.ts';

/** `wait` answers after 2 minutes at the latest, done or not; a slower answer is a lost one. */
const WAIT_ANSWER_TIMEOUT_MS = 150_000;

/** An operation under way: what a heartbeat carries so that another worker can go on waiting. */
export interface PendingOperation {
  zone: string;
  name: string;
}

export function pendingOperation(zone: string, operation: OperationResource): PendingOperation {
  if (operation.name === undefined) throw new CloudFailure('unavailable', '', 'the answer names no operation');
  return { zone, name: operation.name };
}

const TOKEN = /^([a-z0-9-]+)\/([a-z0-9-]+)$/;

/** `zone/operation`: the form that heartbeats keep. */
export function tokenOf({ zone, name }: PendingOperation): string {
  return `${zone}/${name}`;
}

export function parseToken(token: string): PendingOperation | undefined {
  const [, zone, name] = TOKEN.exec(token) ?? [];
  return zone === undefined || name === undefined ? undefined : { zone, name };
}

/** Waits for zonal and global operations, however often `wait` has to be repeated. */
export class Operations {
  private readonly api: ComputeApi;
  private readonly calls: ComputeCalls;
  private readonly project: string;

  constructor(api: ComputeApi, calls: ComputeCalls, project: string) {
    this.api = api;
    this.calls = calls;
    this.project = project;
  }

  /** Resolves with the finished operation; rejects with its failure. One that is DONE already costs no call. */
  async settled(
    { zone, name }: PendingOperation,
    settings: CallSettings,
    answer?: OperationResource,
  ): Promise<OperationResource> {
    let seen = answer;
    while (seen?.status !== 'DONE') {
      const [next] = await this.calls.make({ ...settings, timeoutMs: WAIT_ANSWER_TIMEOUT_MS }, (options) =>
        this.api.zoneOperations.wait({ project: this.project, zone, operation: name }, options),
      );
      seen = next;
    }
    return succeeded(seen);
  }

  /** The same for an operation on something global, such as an image. */
  async settledGlobally(answer: OperationResource, settings: CallSettings): Promise<OperationResource> {
    const { name } = pendingOperation('global', answer);
    let seen = answer;
    while (seen.status !== 'DONE') {
      const [next] = await this.calls.make({ ...settings, timeoutMs: WAIT_ANSWER_TIMEOUT_MS }, (options) =>
        this.api.globalOperations.wait({ project: this.project, operation: name }, options),
      );
      seen = next;
    }
    return succeeded(seen);
  }
}

function succeeded(operation: OperationResource): OperationResource {
  const failure = failureOfOperation(operation);
  if (failure !== undefined) throw failure;
  return operation;
}
