/**
 * Who knows a provider's machines. `host`: the computer that made one, alone. `zone`: the provider itself, so that any
 * worker serves any of them.
 */
export type PlacementKind = 'host' | 'zone';
