/** Regions of specs that name none, where the settings name none either. */
export const DEFAULT_REGIONS: readonly string[] = ['nyc3'];

/** What the image `vm-server` is made from: the start script puts vm-server on it. */
export const DEFAULT_IMAGE = 'ubuntu-24-04-x64';
