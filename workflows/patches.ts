/**
 * Every change of the order or kind of a workflow's commands, in one place. A run whose history began before such a change
 * replays without it; a run that is there when it comes takes it from its next task on. An entry may go when no run of
 * before it can be open any more (docs/upgrading.md).
 */
import { patched } from '@temporalio/workflow';

/** The end of a hold is an event with a timer of its own, so that nobody is told of a hold that has passed. */
export const noticesHoldEnds = (): boolean => patched('notice-hold-ends');

/** What has happened is published before a run is continued as new: the next one may wait long for a worker. */
export const publishesBeforeContinuing = (): boolean => patched('publish-before-continuing');

/** What a create began before its VM ended decides where the destroy goes, and whether there is anything to destroy. */
export const knowsWhatCreatesBegan = (): boolean => patched('knows-what-creates-began');

/** A host that says that it is lost sooner than it can renew its lease is not believed. */
export const boundsHostFacts = (): boolean => patched('bounds-host-facts');

/** An agent that stayed silent past its grace is asked after once more before its VM is lost. */
export const probesBeforeLoss = (): boolean => patched('probes-before-loss');

/** A pool that always has something to do is continued as new too, with what it has still to do. */
export const continuesPoolsUnderLoad = (): boolean => patched('continues-pools-under-load');

/** A VM that ends before it asked for the warm machine that it was granted says so. */
export const returnsUnasked = (): boolean => patched('returns-unasked');

/** What is said of the loss of a machine that was stopped and started again is looked at before it is believed. */
export const asksAfterHearsay = (): boolean => patched('asks-after-hearsay');

/** A VM whose stopped machine is gone ends, also where a lost machine would be replaced. */
export const endsWithItsDisk = (): boolean => patched('ends-with-its-disk');

/** A VM that stops moves to a fresh history too: nobody knows for how long its stop is tried. */
export const continuesWhileStopping = (): boolean => patched('continues-while-stopping');

/** Whoever waits for a VM in a history that is full is answered, and waits on in the fresh one. */
export const answersBeforeContinuing = (): boolean => patched('answers-before-continuing');

/** An agent that could not be told whether it admits newcomers is told when it reports again. */
export const tellsDrainingAgain = (): boolean => patched('tells-draining-again');

/** Signals that came before a run had handlers are heard in the order in which they were sent. */
export const hearsSignalsInOrder = (): boolean => patched('hears-signals-in-order');

/** An image that was not kept is deleted where it would be: a try may have made it whose answer was lost. */
export const discardsImages = (): boolean => patched('discards-images');

/** Another `warm` or `reuse` of the same spec makes no version of its template. */
export const versionsAreSpecs = (): boolean => patched('versions-are-specs');

/** Before an image is deleted it is found out whether a VM began with it. */
export const looksBeforeDeleting = (): boolean => patched('looks-before-deleting');

/** The agent of a machine that was suspended goes on where it was, and is told that the VM does not drain any more. */
export const tellsWhenResumed = (): boolean => patched('tells-when-resumed');

/** A warm machine whose host takes no creates any more waits until its pool has another one. */
export const replacesBeforeItGoes = (): boolean => patched('replaces-before-it-goes');

/** A host that is cordoned has its warm machines replaced elsewhere. */
export const evictsWarmMachines = (): boolean => patched('evicts-warm-machines');

/** A VM hears that its template has a newer version, and makes room for it. */
export const makesRoom = (): boolean => patched('makes-room');

/** A template has VMs of earlier versions make room. */
export const rollsIdleVms = (): boolean => patched('rolls-idle-vms');

/** A pool tells its template of the first machine of a version that waits. */
export const tellsFirstWarm = (): boolean => patched('tells-first-warm');

/** An order of a template that is numbered by a time to come counts as one of now. */
export const boundsOrderNumbers = (): boolean => patched('bounds-order-numbers');

/** A pool asks the host with the fewest of its machines first for another one. */
export const spreadsPools = (): boolean => patched('spreads-pools');

/** A family hears of an image before anything of it is there, so that what is left of it has somebody who removes it. */
export const announcesImages = (): boolean => patched('announces-images');

/** A count may hold for a limited time only, beside those of others. */
export const leasesCounts = (): boolean => patched('leases-counts');
