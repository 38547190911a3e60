/**
 * Machine images that people registered: each host says with its heartbeats which ones it has (its copies), and together
 * these are the images of the deployment. A new version of a name is another image; machines keep the one they began with.
 */
import { isRecord, isWhole } from '../untrusted.ts';

export const IMAGE_KINDS = ['qcow2', 'container'] as const;
export type ImageKind = (typeof IMAGE_KINDS)[number];

/** `registered`: it stays until somebody removes it. `fetched`: from another host, and makes room when it is not used. */
export const COPY_ORIGINS = ['registered', 'fetched'] as const;
export type CopyOrigin = (typeof COPY_ORIGINS)[number];

/** A host says no more than this in a heartbeat; those it used last come first. */
export const MOST_COPIES_SAID = 64;

/** One version of an image on one host. JSON only. */
export interface ImageCopy {
  provider: string;
  name: string;
  /** The first characters of a digest over what it is: the same on every host. */
  version: string;
  kind: ImageKind;
  /** Of its content. */
  sha256: string;
  bytes: number;
  /** The least disk that a machine of it can have. */
  diskGb: number;
  /** RFC 3339, when somebody registered it: the latest version of a name is the one that new machines get. */
  addedAt: string;
  origin: CopyOrigin;
  /** Machines of this host whose disks lie over it. */
  machines: number;
  /** Where it can be had too. */
  url?: string;
  /** Of a container image, the name that a registry has for it, such as `docker.io/library/nginx:1`. */
  reference?: string;
}

/** A version of an image, whoever has it. */
export type ImageVersion = Pick<ImageCopy, 'name' | 'version'>;

/** No dot and no slash: a name becomes the name of a directory. */
export const COPY_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const VERSION = /^[0-9a-f]{12}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const MOST_CHARACTERS = 512;

/** `name`, or `name@` and the version or the SHA-256 of its content; undefined for anything else. */
export function parseImageName(text: string): { name: string; pinned: string | null } | undefined {
  const [name = '', pinned = null, ...rest] = text.split('@');
  if (!COPY_NAME.test(name) || rest.length > 0) return undefined;
  const digest = pinned?.replace(/^sha256:/, '') ?? null;
  return digest === null || VERSION.test(digest) || SHA256.test(digest) ? { name, pinned: digest } : undefined;
}

/** Of these copies those of the image that is meant, the latest version first; several hosts may have it. */
export function copiesOf<Copy extends Pick<ImageCopy, 'name' | 'version' | 'sha256' | 'addedAt'>>(
  copies: readonly Copy[],
  { name, pinned }: { name: string; pinned: string | null },
): Copy[] {
  const isMeant = (copy: Copy): boolean =>
    copy.name === name && (pinned === null || copy.version === pinned || copy.sha256 === pinned);
  return copies.filter(isMeant).sort(latestFirst);
}

/** Two that were registered at once are told apart by their versions, on every host the same way. */
export function latestFirst(
  a: Pick<ImageCopy, 'addedAt' | 'version'>,
  b: Pick<ImageCopy, 'addedAt' | 'version'>,
): number {
  if (a.addedAt !== b.addedAt) return a.addedAt < b.addedAt ? 1 : -1;
  return a.version === b.version ? 0 : a.version < b.version ? 1 : -1;
}

/** Those of a heartbeat that can be read: what else a host says there hides none of them. */
export function imageCopiesIn(value: unknown): ImageCopy[] {
  return Array.isArray(value) ? value.filter(isImageCopy).slice(0, MOST_COPIES_SAID) : [];
}

function isImageCopy(value: unknown): value is ImageCopy {
  if (!isRecord(value)) return false;
  const { provider, name, version, kind, sha256, bytes, diskGb, addedAt, origin, machines, url, reference } = value;
  return (
    typeof provider === 'string' &&
    isMatch(name, COPY_NAME) &&
    isMatch(version, VERSION) &&
    isMatch(sha256, SHA256) &&
    (IMAGE_KINDS as readonly unknown[]).includes(kind) &&
    (COPY_ORIGINS as readonly unknown[]).includes(origin) &&
    isMatch(addedAt, /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/) &&
    [bytes, diskGb, machines].every((amount) => isWhole(amount, 0, Number.MAX_SAFE_INTEGER)) &&
    [url, reference].every((text) => text === undefined || (typeof text === 'string' && text.length <= MOST_CHARACTERS))
  );
}

function isMatch(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}
