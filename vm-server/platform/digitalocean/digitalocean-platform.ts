import { AGENT_PROOF, proofOfNames, type AgentProofName } from '../../../domain/machine/agent-proof.ts';
import { attributeFile } from '../attribute-files.ts';
import type { InstancePlatform } from '../instance-platform.ts';
import { findInMetadata, type MetadataPlace } from '../metadata.ts';

/** Droplets of DigitalOcean, which does not vouch for them. */
export const DIGITALOCEAN: InstancePlatform = {
  name: 'digitalocean',
  metadataUrl: 'http://169.254.169.254',
  secret: (place) => tagText(AGENT_PROOF.secret, place),
  machineKey: (place) => tagText(AGENT_PROOF.key, place),
  attribute: attributeFile,
};

async function tagText(name: AgentProofName, place: MetadataPlace): Promise<string | undefined> {
  const tags = await findInMetadata({ path: '/metadata/v1/tags', headers: {} }, place);
  return tags === undefined ? undefined : proofOfNames(name, tags.split(/\s+/));
}
