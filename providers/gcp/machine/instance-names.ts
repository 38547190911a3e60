/** Labels within Compute Engine's rules: at most 63 lower-case letters, digits, dashes and underscores. */
import * as names from '../../cloud/resource-names.ts';

const VALUES: names.NameRule = { pattern: /^[a-z0-9_-]*$/, maxLength: 63 };
/** Begins with a letter. */
const KEYS: names.NameRule = { pattern: /^[a-z][a-z0-9_-]*$/, maxLength: 63 };

export function labelValueOf(text: string): string {
  return names.labelValueOf(text, VALUES);
}

export function ownerLabelOf(owner: string): string {
  return names.ownerLabelOf(owner, VALUES);
}

export function labelKeyOf(text: string): string {
  return names.labelKeyOf(text, KEYS);
}
