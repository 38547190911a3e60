/**
 * An image is made of a machine that is stopped, and what follows was asked for with it:
 *
 *   running | draining -> stopping -> stopped -> imaging -> destroying (closed) | starting | stopped
 *
 * A close destroys the machine only once its image is kept. An image that cannot be made costs nothing but itself: the
 * machine is stopped, and its disk stays. What a person asks for last holds: a start ends a close, and the image that is
 * being made stays beside the VM.
 */
import { vmCan } from './actions.ts';
import { endWith } from './endings.ts';
import type { EventOf } from './events.ts';
import { beginImaging, grantedSnapshot, snapshotImageId, wasGrantedSnapshot, wishToClose } from './imaging.ts';
import { beginStart, beginStop, canStop, isInUse } from './power.ts';
import { logged, type ImageWish, type Imaging, type Stopped, type Stopping, type Vm } from './state.ts';

/** Whether a close or snapshot does something, or has been done. What is on a machine that is yet to be reset is nobody's. */
export function canImage(vm: Vm, action: 'close' | 'snapshot'): boolean {
  const { state } = vm;
  if (vm.reset !== undefined) return false;
  if (!vmCan[action](state.name) || 'hostLost' in state) return false;
  if (state.name === 'imaging') return action === 'close' && state.image.then === 'close';
  if (action === 'snapshot') return state.name !== 'stopping' || state.image === undefined;
  // A snapshot that was granted is made.
  if (state.name === 'stopping' && state.image !== undefined && state.image.then !== 'close') return false;
  return canStop(vm);
}

export function closeRequested(vm: Vm, { at, force }: EventOf<'closeRequested'>): Vm {
  if (!canImage(vm, 'close') || (isInUse(vm, at) && force !== true)) return vm;
  return beginImage(vm, at, wishToClose(vm));
}

export function snapshotRequested(vm: Vm, event: EventOf<'snapshotRequested'>): Vm {
  const { at, force, family, name, request } = event;
  if (wasGrantedSnapshot(vm, request)) return vm;
  if (!canImage(vm, 'snapshot') || (isInUse(vm, at) && force !== true)) return vm;
  const then = vm.state.name === 'stopped' || isStoppingForGood(vm) ? 'stay' : 'start';
  const imageId = snapshotImageId(vm, request);
  return grantedSnapshot(beginImage(vm, at, { imageId, family: family ?? vm.name, name: name ?? null, then }), request);
}

function isStoppingForGood({ state }: Vm): boolean {
  return state.name === 'stopping' && state.then === 'stay';
}

function beginImage(vm: Vm, at: number, image: ImageWish): Vm {
  const { state } = vm;
  if (state.name === 'imaging') return vm;
  if (state.name === 'stopped') return beginImaging(vm, state, at, image);
  if (state.name !== 'stopping') return beginStop(vm, at, 'requested', null, image);
  if (state.image?.then === image.then) return vm;
  const stopping: Stopping = { ...state, then: 'stay', image };
  return logged({ ...vm, state: stopping }, at, { kind: 'state', detail: 'an image is made once it is stopped' });
}

export function imageKept(vm: Vm, { at, name }: EventOf<'imageKept'>): Vm {
  const { state } = vm;
  if (state.name !== 'imaging') return vm;
  const detail = `image ${name} of the family ${state.image.family}`;
  if (state.image.then === 'close') return endWith(vm, at, 'closed', detail);
  return afterImage(vm, state, at, `made the ${detail}`);
}

export function imageFailed(vm: Vm, { at, detail }: EventOf<'imageFailed'>): Vm {
  const { state } = vm;
  if (state.name !== 'imaging') return vm;
  const without: Vm = { ...vm };
  // Who closes a VM comes back to it by its name, and its disk is all that there is of it.
  if (state.image.then === 'close') delete without.unnamed;
  return afterImage(without, state, at, `no image was made: ${detail}`);
}

function afterImage(vm: Vm, { machine, readyAt, reason, image }: Imaging, at: number, detail: string): Vm {
  const stopped: Stopped = { name: 'stopped', since: at, machine, readyAt, reason, detail };
  const now = logged({ ...vm, state: stopped }, at, { kind: 'state', reason, detail });
  return image.then === 'start' ? beginStart(now, stopped, at) : now;
}
