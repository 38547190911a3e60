import { AGENT_PROOF, proofOfValues, type AgentProofName } from '../../../domain/machine/agent-proof.ts';
import { attributeFile } from '../attribute-files.ts';
import type { InstancePlatform } from '../instance-platform.ts';
import { askMetadata, findInMetadata, type MetadataPlace, type MetadataQuestion } from '../metadata.ts';

const TOKEN_SECONDS = '60';

/** Instances of Amazon EC2; version 2 of their metadata service, which wants a token. */
export const EC2: InstancePlatform = {
  name: 'ec2',
  metadataUrl: 'http://169.254.169.254',
  prove: ec2Proof,
  secret: async (place) => tagText(AGENT_PROOF.secret, place, await tokenOf(place)),
  machineKey: async (place) => tagText(AGENT_PROOF.key, place, await tokenOf(place)),
  attribute: attributeFile,
};

/** What this instance exchanges for a report token: its binding, a tag of it, and its identity document as Amazon signed it. */
async function ec2Proof(place: MetadataPlace): Promise<string> {
  const token = await tokenOf(place);
  const binding = await tagText(AGENT_PROOF.binding, place, token);
  if (binding === undefined) throw new Error(`the instance has no tag ${AGENT_PROOF.binding}, or not all of it yet`);
  const signed = await askMetadata(question('/latest/dynamic/instance-identity/rsa2048', token), place);
  return `ec2 ${binding} ${signed.replace(/\s/g, '')}`;
}

function tagText(name: AgentProofName, place: MetadataPlace, token: string): Promise<string | undefined> {
  return proofOfValues(name, (key) => findInMetadata(question(`/latest/meta-data/tags/instance/${key}`, token), place));
}

function tokenOf(place: MetadataPlace): Promise<string> {
  const headers = { 'X-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS };
  return askMetadata({ method: 'PUT', path: '/latest/api/token', headers }, place);
}

function question(path: string, token: string): MetadataQuestion {
  return { path, headers: { 'X-aws-ec2-metadata-token': token } };
}
