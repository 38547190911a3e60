/** What a person reads of a create that waits in a queue for a host, pure. */
import { mismatchText } from './create-lanes.ts';
import { fits, sizeText, type RoomSize } from './room.ts';
import type { VmSpec } from '../vm/spec.ts';

/** What is known of a host here. */
export interface PlacingHost {
  id: string;
  zone?: string | undefined;
  labels: Readonly<Record<string, string>>;
  state: string;
  free: RoomSize;
}

/** `waiting`: how many creates wait in the same queue, itself included; up to some seconds old. */
export function queuedCreateText(spec: VmSpec, hosts: readonly PlacingHost[], waiting: number): string {
  const { cpus, memoryMb, diskGb } = spec;
  const size = { cpus, memoryMb, diskGb: diskGb ?? 0 };
  const matching = hosts.filter((host) => mismatch(spec, host) === undefined);
  const serving = matching.filter(({ state }) => state === 'ready');
  const most = [...serving].sort(
    (a, b) => Number(fits(size, b.free)) - Number(fits(size, a.free)) || b.free.cpus - a.free.cpus,
  )[0];
  const free =
    most === undefined
      ? `no host that matches takes creates now${statesText(matching)}`
      : `free ${sizeText(most.free)} on host ${most.id}${serving.length > 1 ? `, the most of ${serving.length} hosts` : ''}`;
  const others = Math.max(0, waiting - 1);
  const before = others === 0 ? 'it is the next one' : `${others} ${others === 1 ? 'waits' : 'wait'} beside it`;
  return `waiting for a host with room: asked ${sizeText(size)}; ${free}; ${before}`;
}

/** Why no host of the deployment can ever have a machine of the spec; undefined when one can, or none is known. */
export function noMatchingHostText(spec: VmSpec, hosts: readonly PlacingHost[]): string | undefined {
  const there = hosts.filter(({ state }) => state !== 'lost');
  const reasons = there.map((host) => mismatch(spec, host));
  if (there.length === 0 || reasons.some((reason) => reason === undefined)) return undefined;
  return reasons.join('; ');
}

function mismatch(spec: VmSpec, { id, zone, labels }: PlacingHost): string | undefined {
  return mismatchText(spec, { hostId: id, zone: zone ?? null, labels });
}

function statesText(hosts: readonly PlacingHost[]): string {
  if (hosts.length === 0) return '';
  return ` (${hosts.map(({ id, state }) => `${id} is ${state}`).join(', ')})`;
}
