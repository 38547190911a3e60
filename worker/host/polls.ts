/**
 * How many polls the workers of a host have open. Temporal allows 1,200 of activities at once for each namespace and front
 * end (`frontend.namespaceCount`), and an idle host keeps all of its own open: docs/hosts.md says how many that are.
 */
import type { WorkerOptions } from '@temporalio/worker';
import { PULLS_AT_ONCE } from '../../domain/capacity/pull.ts';

type Polls = Required<Pick<WorkerOptions, 'activityTaskPollerBehavior'>>;

/** For queues where one task at a time is enough, or little ever comes. The SDK heeds no `maxConcurrentActivityTaskPolls`. */
export const ONE_POLL: Polls = { activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 } };

/** Where much may come at once: more polls while Temporal says that tasks wait for one. */
export const FEW_POLLS: Polls = {
  activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: 3 },
};

/** Of creates: whoever gives the slots has one poll open while idle, and some more while much waits. */
export const PULLED_POLLS: Polls = { activityTaskPollerBehavior: { type: 'simple-maximum', maximum: PULLS_AT_ONCE } };
