/**
 * Instance identity documents of Amazon EC2, signed with RSA-2048. What is checked: the signature, by a certificate that Amazon
 * publishes for the region, the region, and the account where it is known. A document names an instance for as long as that lives,
 * says nothing of whom it is for and does not end: the binding beside it and what is known of the machine have to do that.
 */
import type { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { InstanceVerifier } from '../descriptor.ts';
import { leadsTo } from '../cloud/certificate-chain.ts';
import { parseSignedMessage } from '../cloud/signed-message.ts';

/** The clocks of Amazon and of this host may differ by this much. */
const CLOCK_SKEW_MS = 60_000;
const MAX_CHARACTERS = 12 * 1024;

export interface Ec2IdentityOptions {
  /** Those that Amazon publishes for the region. */
  certificates: readonly X509Certificate[];
  region: string;
  /** Null: instances of any account are believed to be the instances that they are. */
  account: string | null;
}

const documentSchema = z.object({
  accountId: z.string().regex(/^\d{12}$/),
  region: z.string(),
  instanceId: z.string().regex(/^i-[0-9a-f]+$/),
  pendingTime: z.iso.datetime(),
});

export class Ec2IdentityVerifier implements InstanceVerifier {
  readonly #options: Ec2IdentityOptions;

  constructor(options: Ec2IdentityOptions) {
    this.#options = options;
  }

  /** The instance that the signed document is of. */
  verify(token: string, _expected: unknown, nowMs: number): Promise<{ instanceId: string } | undefined> {
    return Promise.resolve(this.#instanceOf(token, nowMs));
  }

  #instanceOf(token: string, nowMs: number): { instanceId: string } | undefined {
    const message = token.length <= MAX_CHARACTERS ? parseSignedMessage(token) : undefined;
    if (message === undefined) return undefined;
    const signer = this.#options.certificates.find((one) => message.isSignedBy(one));
    if (signer === undefined || !leadsTo([signer], signer, [], nowMs)) return undefined;
    const document = documentIn(message.content);
    if (document === undefined) return undefined;
    const { accountId, region, instanceId, pendingTime } = document;
    const { account, region: expected } = this.#options;
    if (region !== expected || (account !== null && accountId !== account)) return undefined;
    return Date.parse(pendingTime) <= nowMs + CLOCK_SKEW_MS ? { instanceId } : undefined;
  }
}

function documentIn(content: Buffer): z.output<typeof documentSchema> | undefined {
  try {
    return documentSchema.parse(JSON.parse(content.toString('utf8')));
  } catch {
    return undefined;
  }
}
