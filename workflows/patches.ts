/**
 * Every change of the order or kind of a VM's commands, in one place. A run whose history began before such a change
 * replays without it; a run that is there when it comes takes it from its next task on. An entry may go when no run of
 * before it can be open any more (docs/upgrading.md).
 */
import { patched } from '@temporalio/workflow';

/** The end of a hold is an event with a timer of its own, so that nobody is told of a hold that has passed. */
export const noticesHoldEnds = (): boolean => patched('notice-hold-ends');

/** What has happened is published before a run is continued as new: the next one may wait long for a worker. */
export const publishesBeforeContinuing = (): boolean => patched('publish-before-continuing');
