import type { RoomSize } from '../../../domain/capacity/room.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';

export interface PlacementRequest {
  spec: VmSpec;
  /** The zone that is tried now, of those that the spec names. */
  zone: string | null;
  size: RoomSize;
}

/** Whether a machine may be on this host, where hosts pull creates. */
export interface PlacementCheck {
  hostId: string;
  zone: string | null;
  /**
   * Why the machine goes to another host; undefined when it may be here. Errors: `noMatchingHost` or `tooBig` when no
   * host that serves can ever have it.
   */
  refuse(request: PlacementRequest): Promise<string | undefined>;
  /** Ids of the other hosts that serve the provider. */
  otherHosts(): Promise<string[]>;
}
