/**
 * Names, labels and records within the rules of a cloud. What fits is taken as it is; what does not becomes a readable part
 * and a hash of the whole, so that two texts never become one.
 */
import { createHash } from 'node:crypto';
import { ownerNames } from '../../domain/machine/owner.ts';

/** What a name, or the value or key of a label, may be made of. */
export interface NameRule {
  /** Texts that this does not match are hashed; a hashed one is lower-case letters, digits and dashes, a letter first. */
  pattern: RegExp;
  maxLength: number;
}

const HASH_LENGTH = 16;
/** A rule that nothing fulfils. */
const NEVER = /^$(?!)/;

/** Of the names of servers and images: every cloud takes them. */
const RESOURCE_NAMES: NameRule = { pattern: /^[a-z]([a-z0-9-]*[a-z0-9])?$/, maxLength: 63 };

/** The labels by which people and searches find what is ours. */
export const LABEL = {
  deployment: 'ephemera-deployment',
  machine: 'ephemera-machine',
  owner: 'ephemera-owner',
  uid: 'ephemera-uid',
  /** For people. */
  project: 'ephemera-project',
  vm: 'ephemera-vm',
  /** `stopped` or `suspended` while that is what we asked for. */
  power: 'ephemera-power',
} as const;

/** What the names of everything that we make begin with. */
export const NAME_PREFIX = 'eph-';

/** What the names of all servers of a deployment begin with; those of `a` also with what those of `a-b` do. */
export function serverNamePrefix(deployment: string): string {
  return `${NAME_PREFIX}${deployment}-`;
}

/** The server of a machine, or the image of that id: readable where that fits, else hashed, and never the same for two machines. */
export function serverNameOf(deployment: string, machineId: string): string {
  // An id with further dashes could be the end of another deployment's name.
  const pattern = /^m-[a-z0-9]+$/.test(machineId) ? RESOURCE_NAMES.pattern : NEVER;
  return fitting(`${serverNamePrefix(deployment)}${machineId}`, { ...RESOURCE_NAMES, pattern }, [
    deployment,
    machineId,
  ]);
}

/** The family of an image as a cloud knows it: families of projects that are named alike are not one. */
export function imageFamilyOf(deployment: string, owner: string, family: string): string {
  const { project } = ownerNames(owner);
  const text = `${serverNamePrefix(deployment)}${project}-${family}`;
  return fitting(text, { ...RESOURCE_NAMES, pattern: NEVER }, [deployment, project, family]);
}

/** A label's value: the text itself where it fits, else a readable part and a hash. */
export function labelValueOf(text: string, rule: NameRule): string {
  return text === '' ? '' : fitting(text, rule, [text]);
}

/**
 * The owner's workflow id as the value of a label: where the rule has no `/`, with `_` for each, else a readable part and a
 * hash. It only serves to find the machines of an owner; the machine's record has the id itself.
 */
export function ownerLabelOf(owner: string, rule: NameRule): string {
  if (rule.pattern.test('/') && rule.pattern.test(owner)) return fitting(owner, rule, [owner]);
  return fitting(owner.replaceAll('/', '_'), owner.includes('_') ? { ...rule, pattern: NEVER } : rule, [owner]);
}

/** A label's key. */
export function labelKeyOf(text: string, rule: NameRule): string {
  return fitting(text, rule, [text]);
}

// A hashed text ends in `-h` and 16 hex digits. A text that looks like one is hashed too: otherwise it could be the
// hash of another.
const LOOKS_HASHED = new RegExp(`-h[0-9a-f]{${HASH_LENGTH}}$`);

/** The text where the rule lets it be, else a readable part of it and a hash of what it stands for. */
export function fitting(text: string, { pattern, maxLength }: NameRule, identity: readonly string[]): string {
  if (text.length <= maxLength && pattern.test(text) && !LOOKS_HASHED.test(text)) return text;
  const hash = createHash('sha256').update(identity.join('\0')).digest('hex').slice(0, HASH_LENGTH);
  const readable = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, maxLength - HASH_LENGTH - 2)
    .replace(/-+$/, '');
  return `${readable === '' ? 'x' : readable}-h${hash}`;
}
