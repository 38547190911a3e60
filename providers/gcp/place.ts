/** The project of a server of one's own, where none was named. */
export const OWN_SERVER_PROJECT = 'ephemera';

/** Zones of specs that name none, where the settings name none either. */
export const DEFAULT_ZONES: readonly string[] = ['us-central1-a'];
