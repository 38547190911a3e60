import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import proto from '@temporalio/proto';
import { describeQueue } from '../../../config/queue-facts.ts';
import { createLaneOf } from '../../../domain/capacity/create-lanes.ts';
import { queuedCreateText } from '../../../domain/capacity/waiting-create.ts';
import type { VmView } from '../../../domain/vm/view.ts';
import { createTaskQueue } from '../../../domain/wire-names.ts';
import { descriptorOf, providerNames } from '../../../providers/lookup.ts';
import type { HostDirectory } from '../../hosts/host-directory.ts';
import { epochMsOf } from '../seen/timestamp.ts';

const SCHEDULED = proto.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED;
/** One that was asked for just now is not waiting yet. */
const WAITS_AFTER_MS = 1500;
/** Hosts hand a create back with these; then it waits in its queue again. */
const HANDED_BACK: readonly (string | null | undefined)[] = [undefined, null, 'noCapacity', 'notMatching'];

/** Says what a create waits for that no host has taken; undefined when that is not so. Nothing of it is in any history. */
export class QueuedCreates {
  readonly #client: Client;
  readonly #hosts: HostDirectory;

  constructor(client: Client, hosts: HostDirectory) {
    this.#client = client;
    this.#hosts = hosts;
  }

  async explain({ raw, taskQueue }: WorkflowExecutionDescription, { spec }: VmView): Promise<string | undefined> {
    const create = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'createMachine');
    if (create?.state !== SCHEDULED) return undefined;
    if (!HANDED_BACK.includes(create.lastFailure?.applicationFailureInfo?.type)) return undefined;
    if (Date.now() - (epochMsOf(create.scheduledTime) ?? 0) < WAITS_AFTER_MS) return undefined;
    if (!providerNames().includes(spec.provider) || descriptorOf(spec.provider).placement !== 'host') return undefined;
    const zones = spec.zones.length === 0 ? [null] : spec.zones;
    const lanes = new Set(zones.map((zone) => createLaneOf(spec, zone)));
    const queues = [...lanes].map((lane) => createTaskQueue(spec.provider, lane, taskQueue));
    const [hosts, ...facts] = await Promise.all([
      this.#hosts.list(),
      ...queues.map((queue) => describeQueue(this.#client, queue)),
    ]);
    const waiting = facts.reduce((sum, one) => sum + one.waiting, 0);
    const ofProvider = hosts.filter(({ provider }) => provider.includes(spec.provider));
    return `noCapacity: ${queuedCreateText(spec, ofProvider, waiting)}`;
  }
}
