import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { describeQueue } from '../../config/queue-facts.ts';
import {
  cloudDown,
  lookedAt,
  nextCloudWatch,
  type CloudDown,
  type CloudWatch,
  type PendingCreate,
} from '../../domain/host/cloud-down.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { machineTaskQueue, maintenanceTaskQueueOf } from '../../domain/wire-names.ts';
import { descriptorOf } from '../../providers/lookup.ts';
import type { Projection } from '../projection/projection.ts';
import { epochMsOf } from '../vms/seen/timestamp.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';

const FOLLOW_MS = 5000;
const CALL_SECONDS = 5;
/** Creates that are looked at; what becomes of the oldest shows how a cloud is. */
const LOOKED_AT = 10;

interface Parts {
  client: Client;
  controlTaskQueue: string;
  providers: readonly string[];
  projection: Pick<Projection, 'openWorkflowIds' | 'get'>;
  now: () => number;
  /** Between two looks; only tests set it. */
  pollMs?: number | undefined;
}

/** Looks now and then at each cloud of the deployment: whether a worker serves it, and whether it makes machines. */
export class CloudWatches {
  readonly #parts: Parts;
  readonly #clouds: readonly string[];
  readonly #watches = new Map<string, CloudWatch>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#clouds = parts.providers.filter((provider) => descriptorOf(provider).placement !== 'host');
  }

  /** Why a create of the spec in the project would get no machine now, or undefined. Costs no call. */
  down(project: string, { provider, zones }: Pick<VmSpec, 'provider' | 'zones'>): CloudDown | undefined {
    return cloudDown(this.#watches.get(provider), { provider, zones, project }, this.#parts.now());
  }

  /** Looks now and then, until the returned function is called. */
  follow(): () => void {
    const look = (): void => this.#clouds.forEach((cloud) => void this.#look(cloud).catch(() => undefined));
    look();
    const timer = setInterval(look, this.#parts.pollMs ?? FOLLOW_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  async #look(cloud: string): Promise<void> {
    const { client, controlTaskQueue, now } = this.#parts;
    const creates = machineTaskQueue(cloud, controlTaskQueue);
    // A worker all of whose creates take long does not poll for more of them.
    const queues = [creates, maintenanceTaskQueueOf(creates)];
    const open = this.#open(cloud);
    const creating = open.flatMap((record) => {
      const { state, project, createdAt } = record.view;
      return state === 'creating' ? [{ record, project, askedAt: Date.parse(createdAt) }] : [];
    });
    const [facts, pending] = await Promise.all([
      Promise.all(queues.map((queue) => this.#within(() => describeQueue(client, queue)))),
      Promise.all(lookedAt(creating, LOOKED_AT).map(({ record }) => this.#pendingCreate(record, open))),
    ]);
    const look = {
      at: now(),
      polls: facts.flatMap(({ pollers }) => pollers.map(({ seenAt }) => seenAt)),
      creates: pending.filter((create) => create !== undefined),
    };
    this.#watches.set(cloud, nextCloudWatch(this.#watches.get(cloud), look));
  }

  /** The VMs of a cloud that live. */
  #open(cloud: string): VmRecord[] {
    const { projection } = this.#parts;
    const open = projection.openWorkflowIds().flatMap((workflowId) => projection.get(workflowId) ?? []);
    return open.filter(({ view }) => view.provider === cloud);
  }

  async #pendingCreate(
    { workflowId, view }: VmRecord,
    ofCloud: readonly VmRecord[],
  ): Promise<PendingCreate | undefined> {
    const handle = this.#parts.client.workflow.getHandle(workflowId);
    const found: WorkflowExecutionDescription | undefined = await this.#within(() => handle.describe()).catch(
      () => undefined,
    );
    const create = found?.raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'createMachine');
    if (create === undefined) return undefined;
    const zones = zonesOf(view);
    const failed = Math.max(0, (create.attempt ?? 1) - 1);
    return {
      ...{ project: view.project, zones, failed },
      // A server that does not say makes nobody refuse what another create has got since.
      failedAt: epochMsOf(create.lastAttemptCompleteTime) ?? Date.parse(view.createdAt),
      code: create.lastFailure?.applicationFailureInfo?.type ?? undefined,
      madeAt: failed === 0 ? null : latestMade(ofCloud, zones),
    };
  }

  #within<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#parts.client.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
  }
}

/** When the latest machine of those was made that were asked for in the zones, by the clock of Temporal; null: none is known. */
function latestMade(records: readonly VmRecord[], zones: readonly string[]): number | null {
  const times = records
    .filter(({ view }) => zonesOf(view).join() === zones.join())
    // One that waited was made before, whatever the cloud does now.
    .filter(({ view }) => view.startedFrom !== 'warm')
    .flatMap(({ timeline }) => timeline.filter(isMade).map(({ at }) => Date.parse(at)));
  return times.length === 0 ? null : Math.max(...times);
}

function isMade({ kind, state }: VmRecord['timeline'][number]): boolean {
  return kind === 'state' && state === 'booting';
}

/** A view is what anybody may have published who can write to Temporal. */
function zonesOf({ spec }: VmRecord['view']): readonly string[] {
  const zones: unknown = spec.zones;
  return Array.isArray(zones) ? zones.filter((zone) => typeof zone === 'string') : [];
}
