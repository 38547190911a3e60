/** The state in which an image is made of a stopped machine: how it begins, and what is asked meanwhile (close.ts, power.ts). */
import { logged, type ImageWish, type Imaging, type Stopped, type Vm } from './state.ts';

/** What an idle VM whose `idle.action` is close wants of its stop. */
export function wishToClose(vm: Vm): ImageWish {
  return { imageId: nextImageId(vm), family: vm.name, name: null, then: 'close' };
}

/** From a stop that was made for it, or of a machine that was stopped before. */
export function beginImaging(vm: Vm, { machine, readyAt, reason }: Stopped, at: number, image: ImageWish): Vm {
  const imaging: Imaging = { name: 'imaging', since: at, machine, readyAt, reason, image };
  return logged({ ...vm, state: imaging }, at, { kind: 'state', reason, detail: `for the family ${image.family}` });
}

/** A start while the image is made follows it; a stop takes that back. A close that is not wanted any more is none. */
export function startWhileImaging(vm: Vm, state: Imaging, at: number): Vm {
  if (state.image.then === 'start') return vm;
  const imaging: Imaging = { ...state, image: { ...state.image, then: 'start' } };
  return logged({ ...vm, state: imaging }, at, { kind: 'state', detail: 'starts again once its image is made' });
}

export function stopWhileImaging(vm: Vm, state: Imaging, at: number): Vm {
  if (state.image.then !== 'start') return vm;
  const imaging: Imaging = { ...state, image: { ...state.image, then: 'stay' } };
  return logged({ ...vm, state: imaging }, at, { kind: 'state', detail: 'stays stopped' });
}

/** As many requests for snapshots are remembered: more than are asked again at a time, since those of a name are done one by one. */
const SNAPSHOT_REQUESTS_KEPT = 20;
const SNAPSHOT_REQUEST = /^[0-9a-f]{20}$/;

export function isSnapshotRequest(value: unknown): value is string {
  return typeof value === 'string' && SNAPSHOT_REQUEST.test(value);
}

/** Whether an image was granted to this very request before, whatever became of it. */
export function wasGrantedSnapshot({ snapshotsFor = [] }: Vm, request: string | undefined): boolean {
  return request !== undefined && snapshotsFor.includes(request);
}

export function grantedSnapshot(vm: Vm, request: string | undefined): Vm {
  if (request === undefined) return vm;
  return { ...vm, snapshotsFor: [...(vm.snapshotsFor ?? []), request].slice(-SNAPSHOT_REQUESTS_KEPT) };
}

/** The id of a snapshot says which request it was made for, to whoever looks for it later. */
export function snapshotImageId(vm: Vm, request: string | undefined): string {
  return request === undefined ? nextImageId(vm) : `${vm.machineId}${endOfImageId(request)}`;
}

export function isImageFor(imageId: string, request: string): boolean {
  return imageId.endsWith(endOfImageId(request));
}

function endOfImageId(request: string): string {
  return `-r${request}`;
}

/** Unique for ever, as ids of machines are, and the same however often it is worked out. */
export function nextImageId({ machineId, nextEntryNumber }: Vm): string {
  return `${machineId}-i${nextEntryNumber}`;
}

/** The machine whose image has that id; undefined where no VM made the id. */
export function machineOfImage(imageId: string): string | undefined {
  return /^(m-[A-Za-z0-9_]+)-[ir]/.exec(imageId)?.[1];
}
