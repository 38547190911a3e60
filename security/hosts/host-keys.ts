/**
 * The keys that a host works with. They are derived from the deployment's secret, which a host that has joined never sees:
 * from these nobody gets back to it, to the tokens that make hosts join, or to the backups' fingerprints.
 */
import { z } from 'zod';
import { proofWords } from '../../providers/lookup.ts';
import { deriveKey } from '../sealing/deployment-secret.ts';

const OF_EVERY_HOST = ['start-signature', 'sealed-input/seal'] as const;
/** Bearers of all hosts derive from it: only where the deployment's secret is. */
const OF_OWN_WORKERS = ['host-bearer'] as const;
/** Only where machines report over HTTP: with these a host can speak for any machine of the deployment. */
const OF_HTTP_AGENTS = ['agent-token/bootstrap', ...proofWords().map(bindingLabel)] as const;

export type HostKeyLabel =
  | (typeof OF_EVERY_HOST)[number]
  | (typeof OF_OWN_WORKERS)[number]
  | 'agent-token/bootstrap'
  | ReturnType<typeof bindingLabel>;
/** Those of the API are for no host. */
export type KeyLabel =
  | HostKeyLabel
  | 'agent-token/report'
  | 'agent-token/datasource'
  | 'sealed-input/fingerprint'
  | 'sealed-request/seal'
  | 'api-replica'
  | 'sealed-webhook/seal'
  | 'internal';

/** Keys of 32 bytes by what they are for. */
export type HostKeys = Readonly<Record<(typeof OF_EVERY_HOST)[number], Uint8Array>> & {
  readonly [label: `agent-token/${string}`]: Uint8Array;
} & {
  readonly 'host-bearer'?: Uint8Array;
  /** What this host alone accepts of the API. */
  readonly 'own-bearer'?: Uint8Array;
  /** Of a host that joined before each had a bearer of its own. */
  readonly internal?: Uint8Array;
};

/** The deployment's secret, or what a host has of it. */
export type KeySource = Uint8Array | HostKeys;

/** What a host that has joined gets: no machine of its providers reports over HTTP. */
export function hostKeys(secret: Uint8Array): HostKeys {
  return keysFor(secret, OF_EVERY_HOST);
}

/** What a worker beside the deployment's secret has. */
export function hostKeysForAllProviders(secret: Uint8Array): HostKeys {
  return keysFor(secret, [...OF_EVERY_HOST, ...OF_OWN_WORKERS, ...OF_HTTP_AGENTS]);
}

/** The key for one purpose. @throws Error that names it when a host has none. */
export function keyFor(source: KeySource, label: KeyLabel): Uint8Array {
  if (source instanceof Uint8Array) return deriveKey(source, label);
  const key = (source as Partial<Record<KeyLabel, Uint8Array>>)[label];
  if (key !== undefined) return key;
  throw new Error(
    `a host that has joined its deployment has no key for ${label}: machines that report over HTTP are made by workers ` +
      'that have the deployment secret (EPHEMERA_SECRET_KEY)',
  );
}

/** Bindings of each provider's instances have a key of their own. */
export function bindingLabel(proofWord: string): `agent-token/${string}-binding` {
  return `agent-token/${proofWord}-binding`;
}

function keysFor(secret: Uint8Array, labels: readonly HostKeyLabel[]): HostKeys {
  return Object.fromEntries(labels.map((label) => [label, deriveKey(secret, label)])) as unknown as HostKeys;
}

const hex = z.string().regex(/^[0-9a-f]{64}$/, 'must be 32 bytes in hex');

const everyHostSchema = z.object({
  'start-signature': hex.describe('By which it knows what the API started.'),
  'sealed-input/seal': hex.describe('By which it opens what the API sealed for its machines.'),
});

/** The keys of a host that joins, as text: in the answer to its join. */
export const hostKeysTextSchema = everyHostSchema.extend({
  'own-bearer': hex.describe('By which it, and no other host, knows the API when that asks for a console.'),
});

/** The same in the host's own file, which may be from before each host had a bearer of its own. */
export const keptHostKeysSchema = everyHostSchema.extend({ 'own-bearer': hex.optional(), internal: hex.optional() });

export type HostKeysText = z.output<typeof hostKeysTextSchema>;
export type KeptHostKeys = z.output<typeof keptHostKeysSchema>;

/** `bearer`: what this host alone accepts. */
export function hostKeysToText(keys: HostKeys, bearer: string): HostKeysText {
  const text = (label: (typeof OF_EVERY_HOST)[number]): string => Buffer.from(keys[label]).toString('hex');
  return {
    'start-signature': text('start-signature'),
    'sealed-input/seal': text('sealed-input/seal'),
    'own-bearer': bearer,
  };
}

export function hostKeysFromText(kept: KeptHostKeys): HostKeys {
  const key = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
  const { 'own-bearer': own, internal } = kept;
  return {
    'start-signature': key(kept['start-signature']),
    'sealed-input/seal': key(kept['sealed-input/seal']),
    ...(own === undefined ? {} : { 'own-bearer': key(own) }),
    ...(internal === undefined ? {} : { internal: key(internal) }),
  };
}
