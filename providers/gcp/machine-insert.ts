import type { CallProgress, CancelSignal, CreateMachineRequest } from '../../domain/machine-provider.ts';
import { pause, type ApiCalls, type CallSettings } from './api-calls.ts';
import { ComputeFailure } from './client-errors.ts';
import type { ComputeApi } from './compute-api.ts';
import { InsertTries } from './insert-tries.ts';
import { instanceResource, type InstanceDefaults } from './instance-resource.ts';
import { pendingOperation, tokenOf, type Operations } from './operations.ts';
import { requestIdOf } from './request-id.ts';

/** Request ids of one machine and zone: each new one after the operation of the one before has failed. */
const MAX_TRIES_PER_ZONE = 30;
/** Failures of Google's own that one call retries with a new request id. */
const MAX_FRESH_FAILURES = 3;

export interface InsertParts {
  api: ComputeApi;
  calls: ApiCalls;
  operations: Operations;
  defaults: InstanceDefaults;
  retryPauseMs: number;
}

export interface InsertOptions {
  zone: string;
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
   * {@link ComputeFailure}.
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
    { zone, signal, progress, refuseDestroyed }: InsertOptions,
  ): Promise<'made' | { failure: ComputeFailure; replayed: boolean }> {
    const { api, calls, operations, defaults } = this.parts;
    const settings: CallSettings = { purpose: 'ongoing', signal };
    const requestId = requestIdOf(defaults.deployment, request.machineId, zone, 'insert', attempt);
    const resource = instanceResource(request, zone, defaults);
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
      if (!(error instanceof ComputeFailure)) throw error;
      if (error.kind === 'exists') return 'made';
      return { failure: error, replayed };
    }
  }
}
