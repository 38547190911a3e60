/** Names and labels within Compute Engine's rules: at most 63 lower-case letters, digits and dashes. */
import { createHash } from 'node:crypto';
import { ownerNames } from '../../../domain/machine/owner.ts';

const MAX_LENGTH = 63;
const HASH_LENGTH = 16;
/** A rule that nothing fulfils. */
const NEVER = /^$(?!)/;

/** The labels by which our instances are found. */
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

/** What the names of all instances of a deployment begin with; those of `a` also with what those of `a-b` do. */
export function instanceNamePrefix(deployment: string): string {
  return `${NAME_PREFIX}${deployment}-`;
}

/** The instance of a machine, or the image of that id: readable where that fits, else hashed, and never the same for two machines. */
export function instanceNameOf(deployment: string, machineId: string): string {
  // An id with further dashes could be the end of another deployment's name.
  const rule = /^m-[a-z0-9]+$/.test(machineId) ? /^[a-z]([a-z0-9-]*[a-z0-9])?$/ : NEVER;
  return fitting(`${instanceNamePrefix(deployment)}${machineId}`, rule, [deployment, machineId]);
}

/** The family of an image as Compute Engine knows it: families of projects that are named alike are not one. */
export function imageFamilyOf(deployment: string, owner: string, family: string): string {
  const { project } = ownerNames(owner);
  return fitting(`${instanceNamePrefix(deployment)}${project}-${family}`, NEVER, [deployment, project, family]);
}

/** A label's value: the text itself where it fits, else a readable part and a hash. */
export function labelValueOf(text: string): string {
  return text === '' ? '' : fitting(text, /^[a-z0-9_-]*$/, [text]);
}

/**
 * The owner's workflow id as a label: with `_` for each `/` where that fits, else a readable part and a hash. It only
 * serves to find the machines of an owner; the machine's record has the id itself, which may be longer than any label.
 */
export function ownerLabelOf(owner: string): string {
  return fitting(owner.replaceAll('/', '_'), owner.includes('_') ? NEVER : /^[a-z0-9_-]+$/, [owner]);
}

/** A label's key: begins with a letter. */
export function labelKeyOf(text: string): string {
  return fitting(text, /^[a-z][a-z0-9_-]*$/, [text]);
}

// A hashed text ends in `-h` and 16 hex digits. A text that looks like one is hashed too: otherwise it could be the
// hash of another.
const LOOKS_HASHED = new RegExp(`-h[0-9a-f]{${HASH_LENGTH}}$`);

function fitting(text: string, rule: RegExp, identity: readonly string[]): string {
  if (text.length <= MAX_LENGTH && rule.test(text) && !LOOKS_HASHED.test(text)) return text;
  const hash = createHash('sha256').update(identity.join('\0')).digest('hex').slice(0, HASH_LENGTH);
  const readable = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, MAX_LENGTH - HASH_LENGTH - 2)
    .replace(/-+$/, '');
  return `${readable === '' ? 'x' : readable}-h${hash}`;
}
