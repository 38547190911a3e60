/** A cloud that vouches for its instances, as the agent on one of them knows it. */
export interface InstancePlatform {
  /** The option of `vm-server agent` that chooses it: `--gce`. */
  name: string;
  /** Where its instances ask about themselves. */
  metadataUrl: string;
  /** What this instance exchanges for a report token. Rejects when the cloud does not answer. */
  prove: (place: { apiUrl: string; metadataUrl: string }) => Promise<string>;
  /** The one-time secret in its metadata now, where the deployment gives its machines no identity. Rejects as above. */
  secret: (place: { metadataUrl: string }) => Promise<string | undefined>;
}
