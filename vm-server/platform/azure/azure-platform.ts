import { AGENT_PROOF, type AgentProofName } from '../../../domain/machine/agent-proof.ts';
import { digitsOf } from '../../../lib/text/digits-of.ts';
import { attributeFile } from '../attribute-files.ts';
import type { InstancePlatform } from '../instance-platform.ts';
import { askMetadata, findInMetadata, type MetadataPlace } from '../metadata.ts';

const HEADERS = { Metadata: 'true' };

/** Virtual machines of Azure. */
export const AZURE: InstancePlatform = {
  name: 'azure',
  metadataUrl: 'http://169.254.169.254',
  prove: azureProof,
  secret: (place) => userDataText(AGENT_PROOF.secret, place),
  machineKey: (place) => userDataText(AGENT_PROOF.key, place),
  attribute: attributeFile,
};

/**
 * What this VM exchanges for a report token: its binding, which its `userData` holds, and the attested document that Azure
 * signs for it, with a number in it that says for which API and which binding it was asked for.
 */
async function azureProof({ apiUrl, ...place }: MetadataPlace & { apiUrl: string }): Promise<string> {
  const binding = await userDataText(AGENT_PROOF.binding, place);
  if (binding === undefined) throw new Error(`the userData of this VM has no ${AGENT_PROOF.binding}`);
  const nonce = digitsOf(`${apiUrl} ${binding}`, 10);
  const path = `/metadata/attested/document?api-version=2021-02-01&nonce=${nonce}`;
  const { signature } = JSON.parse(await askMetadata({ path, headers: HEADERS }, place)) as { signature?: unknown };
  if (typeof signature !== 'string') throw new Error('the metadata server gives no attested document');
  return `azure ${binding} ${signature.replace(/\s/g, '')}`;
}

async function userDataText(name: AgentProofName, place: MetadataPlace): Promise<string | undefined> {
  const path = '/metadata/instance/compute/userData?api-version=2021-02-01&format=text';
  const encoded = await findInMetadata({ path, headers: HEADERS }, place);
  if (encoded === undefined) return undefined;
  const texts = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as Record<string, unknown>;
  const text = texts[name];
  return typeof text === 'string' ? text : undefined;
}
