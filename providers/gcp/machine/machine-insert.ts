import type { CallProgress, CancelSignal, CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { pause, type CallSettings } from '../../cloud/api-calls.ts';
import type { ComputeCalls } from '../calls/compute-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { ComputeApi } from '../calls/compute-api.ts';
import { InsertTries } from './insert-tries.ts';
import { instanceResource, type InstanceDefaults } from './instance-resource.ts';
import type { StartDisk } from './machine-images.ts';
import { pendingOperation, tokenOf, type Operations } from '../calls/operations.ts';
import { requestIdOf } from '../../cloud/request-id.ts';

/** Of our request ids, which Compute Engine keeps for an hour. */
const REQUEST_NAMESPACE = 'ephemera.compute.v1';

/** Request ids of one machine and zone: each new one after the operation of the one before has failed. */
const MAX_TRIES_PER_ZONE = 30;
/** Failures of Google's own that one call retries with a new request id. */
const MAX_FRESH_FAILURES = 3;

export interface InsertParts {
  api: ComputeApi;
  calls: ComputeCalls;
  operations: Operations;
  defaults: InstanceDefaults;
  retryPauseMs: number;
}

export interface InsertOptions {
  zone: string;
  /** Of a machine whose disk begins with the image of another. */
  startDisk: StartDisk | undefined;
  signal: CancelSignal;
  progress: CallProgress | undefined;
  /** Throws when the machine was destroyed meanwhile. */
  refuseDestroyed: () => void;
}

/** Inserts instances so that one machine is at most one instance, whatever is lost or repeated. */
export class MachineInsert {
  private readonly parts: InsertParts;
  private readonly tries = new InsertTries(Date.now);

  constructor(parts: InsertParts) {
    this.parts = parts;
  }

  /**
   * Resolves when the zone has an instance of that name (new, or left behind by a lost reply), and with `full` when
   * the zone has no room: then its operation has settled, and another zone may be tried. Rejects with a
   * {@link CloudFailure}.
   */
  async insert(request: CreateMachineRequest, options: InsertOptions): Promise<'made' | 'full'> {
    const key = `${request.machineId}/${options.zone}`;
    let freshFailures = 0;
    for (let attempt = this.tries.next(key); attempt < MAX_TRIES_PER_ZONE; attempt++) {
      const outcome = await this.tryOnce(request, attempt, options);
      if (outcome === 'made') {
        this.tries.forget(key);
        return 'made';
      }
      const { failure, replayed } = outcome;
      // Only what is known to have ended may be followed by another try; the rest is asked again under the same id.
      if (failure.settled) this.tries.note(key, attempt + 1);
      if (replayed && (failure.passes || failure.kind === 'noCapacity')) continue;
      if (failure.kind === 'noCapacity') return 'full';
      freshFailures += 1;
      if (!failure.settled || !failure.passes || freshFailures > MAX_FRESH_FAILURES) throw failure;
      await pause(this.parts.retryPauseMs, options.signal);
    }
    return 'full';
  }

  private async tryOnce(
    request: CreateMachineRequest,
    attempt: number,
    { zone, startDisk, signal, progress, refuseDestroyed }: InsertOptions,
  ): Promise<'made' | { failure: CloudFailure; replayed: boolean }> {
    const { api, calls, operations, defaults } = this.parts;
    const settings: CallSettings = { purpose: 'ongoing', signal };
    const requestId = requestIdOf(REQUEST_NAMESPACE, defaults.deployment, request.machineId, zone, 'insert', attempt);
    const resource = instanceResource(request, zone, defaults, startDisk);
    let replayed = false;
    try {
      const [{ latestResponse }] = await calls.make(settings, (options) => {
        refuseDestroyed();
        return api.instances.insert(
          { project: defaults.project, zone, requestId, instanceResource: resource },
          options,
        );
      });
      // An operation that is done when its insert is answered was the answer to an earlier one.
      replayed = latestResponse.status === 'DONE';
      const pending = pendingOperation(zone, latestResponse);
      progress?.note(tokenOf(pending));
      await operations.settled(pending, settings, latestResponse);
      return 'made';
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      if (error.kind === 'exists') return 'made';
      return { failure: error, replayed };
    }
  }
}
