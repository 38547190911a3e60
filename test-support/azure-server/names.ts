/** How Azure spells resources, and which names and tags it takes. */
import { ArmError, invalidParameter } from './arm-error.ts';

/** What a resource's id says. */
export interface ParsedId {
  subscription: string;
  group: string;
  /** `Microsoft.Compute/galleries/images`. */
  type: string;
  names: string[];
}

/** Ids are compared without regard to case, as Azure does. */
export function keyOf(id: string): string {
  return id.toLowerCase();
}

/** @throws ArmError 400 LinkedInvalidPropertyId */
export function parseId(id: string): ParsedId {
  const [, subscription = '', group = '', namespace = '', rest = ''] =
    /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+)\/(.+)$/i.exec(id) ?? [];
  const parts = rest.split('/');
  if (rest === '' || parts.length % 2 !== 0) {
    const message = `Property id '${id}' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.`;
    throw new ArmError(400, 'LinkedInvalidPropertyId', message);
  }
  const types = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1);
  return { subscription, group, type: [namespace, ...types].join('/'), names };
}

const COMMON = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?$/;

/** By the resource's type. */
const NAMES: Readonly<Record<string, RegExp>> = {
  'Microsoft.Compute/virtualMachines': /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9_])?$/,
  'Microsoft.Compute/disks': COMMON,
  'Microsoft.Compute/snapshots': COMMON,
  'Microsoft.Compute/images': COMMON,
  'Microsoft.Compute/galleries': /^[A-Za-z0-9]([A-Za-z0-9._]{0,78}[A-Za-z0-9])?$/,
  'Microsoft.Compute/galleries/images': /^[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9])?$/,
  'Microsoft.Compute/galleries/images/versions': /^\d{1,10}\.\d{1,10}\.\d{1,10}$/,
  'Microsoft.Compute/sshPublicKeys': COMMON,
  'Microsoft.Network/applicationSecurityGroups': COMMON,
  'Microsoft.Network/networkInterfaces': COMMON,
  'Microsoft.Network/publicIPAddresses': COMMON,
};

/** @throws ArmError 400 */
export function checkName(type: string, name: string): void {
  if (
    NAMES[type]?.test(name) === true &&
    name.split('.').every((part) => !/^\d+$/.test(part) || Number(part) < 2 ** 31)
  )
    return;
  const message = `Resource name ${name} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'.`;
  throw new ArmError(400, 'InvalidResourceName', message, { target: 'name' });
}

const MAX_TAGS = 50;
const MAX_TAG_NAME = 512;
const MAX_TAG_VALUE = 256;

/** @throws ArmError 400 */
export function checkTags(tags: Record<string, string> | undefined): void {
  const entries = Object.entries(tags ?? {});
  if (entries.length > MAX_TAGS) {
    const message = `The number of tags '${entries.length}' exceeds the maximum of ${MAX_TAGS} tags.`;
    throw new ArmError(400, 'TooManyTags', message);
  }
  for (const [name, value] of entries) {
    if (name === '' || name.length > MAX_TAG_NAME || /[<>%&\\?/]/.test(name)) {
      const message = `The tag names '${name}' have reserved characters '<,>,%,&,\\,?,/' or are too long.`;
      throw new ArmError(400, 'InvalidTagNameCharacters', message);
    }
    if (/^(microsoft|azure|windows)/i.test(name)) {
      const message = `Tag name cannot start with reserved prefixes: '${name}'.`;
      throw new ArmError(400, 'InvalidTagNamePrefix', message);
    }
    if (value.length > MAX_TAG_VALUE) {
      const message = `Tag value too large. Following tag value '${name}' exceeded the maximum length of ${MAX_TAG_VALUE}.`;
      throw new ArmError(400, 'InvalidTagValueLength', message);
    }
  }
  const names = entries.map(([name]) => name.toLowerCase());
  if (new Set(names).size < names.length) {
    throw new ArmError(400, 'InvalidTags', 'Tag names are the same but for their case.');
  }
}

const MAX_BASE64 = 87_380;

/** The bytes of `customData` and `userData`. */
export function decoded(text: string | undefined, target: string): string {
  if (text === undefined) return '';
  if (text.length > MAX_BASE64 || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    const message = `${target} must be in Base64 encoding and with a maximum length of ${MAX_BASE64} characters.`;
    throw invalidParameter(target, message);
  }
  return Buffer.from(text, 'base64').toString('utf8');
}
