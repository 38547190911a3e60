/**
 * What the agent of a cloud's server proves itself with, where its cloud has small changeable texts for that: the provider
 * writes them, the agent reads them from the metadata service. In no image of the server's disk, and not in its user data.
 */

/** Names of what the metadata shows. */
export const AGENT_PROOF = {
  /** A one-time secret. */
  secret: 'ephemera-agent-secret',
  /** What says whose the instance is, which proves itself by its cloud. */
  binding: 'ephemera-agent-binding',
  /** Seals what the agent keeps on its disk; the same for as long as the machine lives. */
  key: 'ephemera-machine-key',
} as const;

export type AgentProofName = (typeof AGENT_PROOF)[keyof typeof AGENT_PROOF];

/** Values of tags are that long on EC2. */
const MOST_VALUE = 250;

/** The text in the values of tags: how many there are stands before the first part. */
export function proofValues(name: AgentProofName, text: string): Record<string, string> {
  const parts = chunks(text, MOST_VALUE);
  return Object.fromEntries(
    parts.map((part, index) => (index === 0 ? [name, `${parts.length}:${part}`] : [`${name}-${index + 1}`, part])),
  );
}

/** The text that {@link proofValues} spread; undefined where it is not there, or not whole. */
export async function proofOfValues(
  name: AgentProofName,
  valueOf: (key: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  const [, count, first = ''] = /^([1-9]):(.*)$/.exec((await valueOf(name)) ?? '') ?? [];
  if (count === undefined) return undefined;
  const parts = [first];
  for (let index = 2; index <= Number(count); index++) {
    const part = await valueOf(`${name}-${index}`);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts.join('');
}

/** Tags without values are that long on DigitalOcean, where capitals do not count. */
const MOST_NAME = 250;

/**
 * The text in names of tags. `version`: of several texts the one with the highest counts, so that new tags may be there before old
 * ones are taken away; epoch ms.
 */
export function proofNames(name: AgentProofName, text: string, version: number): string[] {
  const beginning = `${name}:${version}-`;
  const parts = chunks(withoutCapitals(text), MOST_NAME - beginning.length - '9-9:'.length);
  return parts.map((part, index) => `${beginning}${parts.length}-${index + 1}:${part}`);
}

/** The latest whole text that {@link proofNames} spread over some of these tags. */
export function proofOfNames(name: AgentProofName, tags: readonly string[]): string | undefined {
  const found = new Map<number, (string | undefined)[]>();
  for (const tag of tags) {
    const [, key, version, count, index, part] = /^([\w-]+):(\d+)-([1-9])-([1-9]):(.*)$/.exec(tag) ?? [];
    if (key !== name || part === undefined) continue;
    const parts = found.get(Number(version)) ?? Array.from<string | undefined>({ length: Number(count) });
    parts[Number(index) - 1] = part;
    found.set(Number(version), parts);
  }
  const whole = [...found].filter(([, parts]) => !parts.includes(undefined));
  const [latest] = whole.sort(([one], [other]) => other - one);
  return latest && withCapitals(latest[1].join(''));
}

function chunks(text: string, most: number): string[] {
  return Array.from({ length: Math.max(1, Math.ceil(text.length / most)) }, (_, index) =>
    text.slice(index * most, (index + 1) * most),
  );
}

/** Texts are of A-Z, a-z, 0-9, `.`, `_` and `-`. */
function withoutCapitals(text: string): string {
  return text.replace(/[A-Z_.]/g, (one) => (one === '.' ? ':' : `_${one.toLowerCase()}`));
}

function withCapitals(text: string): string {
  return text.replace(/_(.)|:/g, (whole, one: string | undefined) =>
    one === undefined ? '.' : one === '_' ? '_' : one.toUpperCase(),
  );
}
