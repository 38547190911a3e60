/** The phase in which an image is made of a stopped machine, and kept by its family. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { ImageKeepingActivities } from '../../domain/image/activities.ts';
import type { ImageBeginning, ImageRecord } from '../../domain/image/state.ts';
import type { MachineActivities, MadeImage } from '../../domain/machine/activities.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { placeOf } from '../../domain/machine/place.ts';
import type { ImageWish, Imaging } from '../../domain/vm/state.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { failureOf } from '../machine/failures.ts';
import { isMissing } from '../machine/power.ts';
import { announcesImages, discardsImages } from '../patches.ts';
import type { VmLife } from './life.ts';

const { beginImage, keepImage, noteImageFailure } = proxyActivities<ImageKeepingActivities>({
  startToCloseTimeout: TIMEOUTS.imageKeepAttemptSeconds * 1000,
  summary: 'Have the family of the image write it down',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/**
 * An image that is whole is kept, also when the VM ends meanwhile: only then the machine may go. One that fails is noted,
 * so that whoever asked for it sees why.
 */
export async function makeImage(life: VmLife, machine: MachineActivities): Promise<void> {
  const { state, machineId } = life.vm;
  if (state.name !== 'imaging') return;
  const { imageId, family } = state.image;
  try {
    if (announcesImages()) await beginImage({ project: life.vm.project, family, beginning: beginningOf(life, state) });
    const made = await machine.makeImage({ machineId, imageId, family });
    const { project } = life.vm;
    const record = recordOf(life, state.image, made);
    const { name } = await CancellationScope.nonCancellable(() => keepImage({ project, family, image: record }));
    life.record({ kind: 'imageKept', machineId, name });
  } catch (error) {
    const isGone = isRefusal(error) || (await discard(life, machine, imageId));
    if (isCancellation(error)) throw error;
    if (isMissing(error)) {
      life.record({ kind: 'machineMissing', machineId });
      return;
    }
    await noteFailure(life, state.image, { detail: failureTextOf(error), ...(isGone ? {} : { left: true }) });
  }
}

function beginningOf({ vm }: VmLife, { machine, image }: Imaging): ImageBeginning {
  const { queue } = placeOf(machine, workflowInfo().taskQueue);
  return { imageId: image.imageId, machineId: vm.machineId, vm: vm.name, provider: vm.spec.provider, queue };
}

/** Nothing was begun. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.activityType === ('beginImage' satisfies keyof ImageKeepingActivities) &&
    !isCancellation(error)
  );
}

/**
 * A try may have made it and could not say so. Given up after a while: a host that is gone for good holds up no VM, and the
 * family removes what it leaves. Resolves with whether it is gone.
 */
async function discard({ vm: { machineId } }: VmLife, machine: MachineActivities, imageId: string): Promise<boolean> {
  if (!discardsImages()) return true;
  try {
    await CancellationScope.nonCancellable(() => machine.deleteImage({ imageId, machineId }));
    return true;
  } catch (error) {
    log.warn('an image that nobody keeps may be left', { imageId, failure: failureOf(error).detail });
    return false;
  }
}

async function noteFailure(
  life: VmLife,
  { imageId, family, then }: ImageWish,
  { detail, left }: { detail: string; left?: true },
): Promise<void> {
  const { machineId, project, name: vm } = life.vm;
  const failure = { imageId, vm, origin: originOf(then), detail, ...(left === undefined ? {} : { left }) };
  await CancellationScope.nonCancellable(() => noteImageFailure({ project, family, failure }));
  life.record({ kind: 'imageFailed', machineId, detail });
}

/** What was asked for last decides: a close that somebody took back leaves a snapshot. */
function recordOf(life: VmLife, wish: ImageWish, made: MadeImage): ImageRecord {
  const { vm, sealed, signature } = life;
  const { machineId, spec, createdBy } = vm;
  const { imageId, name, then } = vm.state.name === 'imaging' ? vm.state.image : wish;
  const requestHash: unknown = workflowInfo().memo?.[MEMO.requestHash];
  return {
    ...{
      imageId,
      machineId,
      name,
      vm: vm.name,
      origin: originOf(then),
      provider: spec.provider,
      spec,
      sealed,
      signature,
    },
    ...made,
    requestHash: typeof requestHash === 'string' ? requestHash : null,
    createdBy: createdBy ?? null,
  };
}

function originOf(then: ImageWish['then']): ImageRecord['origin'] {
  return then === 'close' ? 'close' : 'snapshot';
}

/** With the code of the error before it, where it has one. */
function failureTextOf(error: unknown): string {
  const { detail } = failureOf(error);
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const code = cause instanceof ApplicationFailure ? cause.type : undefined;
  return code ? `${code}: ${detail}` : detail;
}
