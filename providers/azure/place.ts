/** Where machines are made: a location, or a zone of one, `eastus` or `eastus-2`. */

/** Places of specs that name none, where the settings name none either. */
export const DEFAULT_PLACES: readonly string[] = ['eastus'];

/** The subscription and resource group of a server of one's own, where none was named. */
export const OWN_SERVER = {
  subscription: '00000000-0000-4000-8000-000000000000',
  resourceGroup: 'ephemera',
} as const;

export interface Place {
  location: string;
  /** Null: wherever in the location there is room. */
  zone: string | null;
}

/** Undefined for what is no place. */
export function placeOf(text: string): Place | undefined {
  const [, location, zone] = /^([a-z][a-z0-9]{2,39})(?:-([1-9]))?$/.exec(text) ?? [];
  return location === undefined ? undefined : { location, zone: zone ?? null };
}

/** As specs have it. */
export function placeText(location: string, zone: string | undefined): string {
  return zone === undefined ? location : `${location}-${zone}`;
}
