import type { MetadataPlace } from './metadata.ts';

/** Where an instance finds what it is. */
export interface InstancePlace extends MetadataPlace {
  /** Where its user data puts its attributes, in clouds whose metadata has none of our own. */
  attributeDirectory: string;
}

/** A cloud, as the agent on one of its instances knows it. */
export interface InstancePlatform {
  /** The option of `vm-server agent` that chooses it, `--gce`, and what vm-server is there: `vm-server gce`. */
  name: string;
  /** Where its instances ask about themselves. */
  metadataUrl: string;
  /**
   * What this instance exchanges for a report token. Rejects when the cloud does not answer. Absent where a cloud does not vouch
   * for its instances.
   */
  prove?: (place: MetadataPlace & { apiUrl: string }) => Promise<string>;
  /** The one-time secret in its metadata now, where the deployment gives its machines no identity. Rejects as above. */
  secret: (place: MetadataPlace) => Promise<string | undefined>;
  /** The key of what its agent keeps on its disk. Rejects as above. */
  machineKey: (place: MetadataPlace) => Promise<string | undefined>;
  /** What else it was told, by its name. Rejects as above. */
  attribute: (name: string, place: InstancePlace) => Promise<string | undefined>;
}
