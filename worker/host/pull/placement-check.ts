import type { PlacementCheck, PlacementRequest } from '../../../activities/machine/create/placement-check.ts';
import { mismatchText, type HostTraits } from '../../../domain/capacity/create-lanes.ts';
import { tooBigText, type RoomSize } from '../../../domain/capacity/room.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { HostList } from './host-list.ts';

/** A host as far as it matters for what it may have. */
export interface PlacingHost extends HostTraits {
  /** What the whole host gives; null: machines take no room of it. */
  total: RoomSize | null;
}

const LIST_AGE_MS = 3000;

/** Why the host can never have the machine, or undefined when it can. */
function unsuitText({ spec, zone, size }: PlacementRequest, host: PlacingHost): string | undefined {
  const zones = zone === null ? spec.zones : [zone];
  const mismatch = mismatchText({ zones, ...(spec.hostSelector ? { hostSelector: spec.hostSelector } : {}) }, host);
  return mismatch ?? (host.total === null ? undefined : tooBigText(size, host.total));
}

/** Checks creates for this host; what it may not have goes to another host, if there is one that may. */
export function placementCheck(self: PlacingHost, hosts: HostList): PlacementCheck {
  const others = async (): Promise<PlacingHost[]> =>
    (await hosts(LIST_AGE_MS)).filter(({ hostId }) => hostId !== self.hostId);
  return {
    hostId: self.hostId,
    zone: self.zone,
    otherHosts: async () => (await others()).map(({ hostId }) => hostId),
    async refuse(request) {
      const why = unsuitText(request, self);
      if (why === undefined) return undefined;
      const elsewhere = await others();
      if (elsewhere.some((host) => unsuitText(request, host) === undefined)) return why;
      const reasons = [why, ...elsewhere.flatMap((host) => unsuitText(request, host) ?? [])];
      const isTooBig = elsewhere.length === 0 && why === tooBigText(request.size, self.total ?? request.size);
      const code = isTooBig ? 'tooBig' : 'noMatchingHost';
      throw new ProviderError(code, isTooBig ? why : `no host can take the machine: ${reasons.join('; ')}`);
    },
  };
}
