import { AGENT_PROOF } from '../../../domain/machine/agent-proof.ts';
import { askMetadata, findInMetadata, type MetadataPlace, type MetadataQuestion } from '../metadata.ts';
import type { InstancePlatform } from '../instance-platform.ts';

export const GCE: InstancePlatform = {
  name: 'gce',
  metadataUrl: 'http://metadata.google.internal',
  prove: gceProof,
  secret: (place) => instanceAttribute(AGENT_PROOF.secret, place),
  machineKey: (place) => instanceAttribute(AGENT_PROOF.key, place),
  attribute: instanceAttribute,
};

/**
 * What this instance exchanges for a report token: its binding, which is in its metadata, and an identity token that the
 * metadata server signs for it alone. Rejects when the metadata server does not answer.
 */
export async function gceProof({ apiUrl, ...place }: MetadataPlace & { apiUrl: string }): Promise<string> {
  const binding = await askMetadata(question(`attributes/${AGENT_PROOF.binding}`), place);
  const audience = encodeURIComponent(apiUrl);
  const identity = question(`service-accounts/default/identity?audience=${audience}&format=full`);
  return `gce ${binding} ${await askMetadata(identity, place)}`;
}

function instanceAttribute(name: string, place: MetadataPlace): Promise<string | undefined> {
  return findInMetadata(question(`attributes/${name}`), place);
}

function question(path: string): MetadataQuestion {
  return { path: `/computeMetadata/v1/instance/${path}`, headers: { 'Metadata-Flavor': 'Google' } };
}
