/**
 * Attested documents of Azure VMs. What is checked: the signature, that the signer's certificate is one for metadata.azure.com and
 * leads to a trusted one, the times, the subscription, and the number by which the VM asked: that says for which API and binding.
 */
import type { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { digitsOf } from '../../lib/text/digits-of.ts';
import type { ExpectedInstance, InstanceVerifier } from '../descriptor.ts';
import { isForServers, leadsTo } from '../cloud/certificate-chain.ts';
import { parseSignedMessage } from '../cloud/signed-message.ts';

/** The clocks of Azure and of this host may differ by this much. */
const CLOCK_SKEW_MS = 60_000;
/** Azure signs for six hours. */
const LONGEST_MS = 24 * 3600 * 1000;
const MAX_CHARACTERS = 24 * 1024;
/** Of Azure itself, and of the clouds that it has for one government or country. */
const SIGNERS = ['metadata.azure.com', 'metadata.azure.us', 'metadata.azure.cn'];

export interface AzureIdentityOptions {
  /** Of the authorities by which certificates of metadata.azure.com are believed. */
  authorities: readonly X509Certificate[];
  subscription: string;
  /** The API's URL, which the VM asked with. */
  audience: string;
}

const TIME = /^(\d\d)\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) -0000$/;
const time = z.string().regex(TIME).transform(epochMs);
const documentSchema = z.object({
  nonce: z.string(),
  timeStamp: z.object({ createdOn: time, expiresOn: time }),
  vmId: z.uuid(),
  subscriptionId: z.uuid(),
});

export class AzureIdentityVerifier implements InstanceVerifier {
  readonly #options: AzureIdentityOptions;

  constructor(options: AzureIdentityOptions) {
    this.#options = options;
  }

  /** The VM that the document is of, by its `vmId`. */
  verify(
    token: string,
    { binding }: Pick<ExpectedInstance, 'binding'>,
    nowMs: number,
  ): Promise<{ instanceId: string } | undefined> {
    return Promise.resolve(this.#vmOf(token, binding, nowMs));
  }

  #vmOf(token: string, binding: string, nowMs: number): { instanceId: string } | undefined {
    const message = token.length <= MAX_CHARACTERS ? parseSignedMessage(token) : undefined;
    const signer = message?.certificates.find((one) => message.isSignedBy(one));
    if (message === undefined || signer === undefined || !isMetadataService(signer)) return undefined;
    if (!leadsTo(this.#options.authorities, signer, message.certificates, nowMs)) return undefined;
    const document = documentIn(message.content);
    if (document === undefined) return undefined;
    const { nonce, timeStamp, vmId, subscriptionId } = document;
    const { createdOn, expiresOn } = timeStamp;
    if (createdOn > nowMs + CLOCK_SKEW_MS || expiresOn <= nowMs || expiresOn - createdOn > LONGEST_MS) return undefined;
    const { subscription, audience } = this.#options;
    if (!isSame(subscriptionId, subscription) || nonce !== digitsOf(`${audience} ${binding}`, 10)) return undefined;
    return { instanceId: vmId.toLowerCase() };
  }
}

/** Its regions have names below the common one. */
function isMetadataService(certificate: X509Certificate): boolean {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([a-z0-9.-]+)(?=,|$)/g)].map(
    ([, name = '']) => name,
  );
  if (!isForServers(certificate)) return false;
  return names.some(
    (name) =>
      SIGNERS.some((signer) => name === signer || name.endsWith(`.${signer}`)) &&
      certificate.checkHost(name, { subject: 'never' }) !== undefined,
  );
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function epochMs(text: string): number {
  const [, month, day, year, hour, minute, second] = TIME.exec(text) ?? [];
  return Date.parse(`20${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function documentIn(content: Buffer): z.output<typeof documentSchema> | undefined {
  try {
    return documentSchema.parse(JSON.parse(content.toString('utf8')));
  } catch {
    return undefined;
  }
}
