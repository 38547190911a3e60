/** What people give as an image: a file, a directory, a URL, or the name of an image in a registry. */
import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { unlessAbsent } from '../../../lib/files/absent.ts';
import type { AddImageOptions } from '../../host-tools.ts';
import { CONVERSION_LIMITS } from './container/convert-image.ts';
import { addContainerImage } from './container-images.ts';
import { addDiskImage } from './disk-images.ts';
import { makeDraft, refused, requireImageName, type RegisteredVersion } from './registered-images.ts';
import { parseReference } from './registry/reference.ts';
import { pullImage } from './registry/pull-image.ts';
import { downloadTo, urlForOthers } from './url-download.ts';

const GZIP = Buffer.from([0x1f, 0x8b]);
const TAR = { at: 257, magic: 'ustar' } as const;
/** How a path looks, also one where nothing is. */
const PATH = /^[./~]|\.(qcow2|img|tar|tgz|tar\.gz)$/;

/**
 * Registers what `source` names. Rejects with `imageRefused`, `imageDamaged`, and for what is elsewhere with `imageUnknown`,
 * `permissionDenied` and `backendUnavailable`.
 */
export async function addImage(
  dir: string,
  name: string,
  source: string,
  options: AddImageOptions = {},
): Promise<RegisteredVersion> {
  requireImageName(name);
  if (/^https?:\/\//i.test(source)) return addFromUrl(dir, { name, url: source }, options);
  if (options.sha256 !== undefined)
    throw refused('--sha256 goes with a URL; of a registry an image is named by NAME@sha256:DIGEST');
  if ((await unlessAbsent(lstat(source))) !== undefined) return addFromPath(dir, name, source, source);
  if (PATH.test(source)) throw refused(`${source} is not there`);
  return addFromRegistry(dir, { name, reference: source }, options);
}

async function addFromPath(
  dir: string,
  name: string,
  path: string,
  what: string,
  url?: string,
): Promise<RegisteredVersion> {
  if (await isContainerSource(path)) return addContainerImage(dir, { name, source: path });
  return addDiskImage(dir, name, path, { what, ...(url === undefined ? {} : { url }) });
}

async function addFromRegistry(
  dir: string,
  { name, reference }: { name: string; reference: string },
  { plainHttp = false, env = {}, onProgress, signal = new AbortController().signal }: AddImageOptions,
): Promise<RegisteredVersion> {
  parseReference(reference);
  const draft = await makeDraft(dir, name, randomUUID());
  const layoutDir = join(draft, 'layout');
  try {
    await mkdir(layoutDir);
    const limitBytes = CONVERSION_LIMITS.unpackedBytes;
    const pulled = await pullImage({
      ...{ reference, layoutDir, env, plainHttp, limitBytes, signal },
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const { reference: full, digest } = pulled;
    const pinned = full.includes('@') ? full : `${full}@${digest}`;
    return await addContainerImage(dir, { name, source: layoutDir, reference: pinned });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function addFromUrl(
  dir: string,
  { name, url }: { name: string; url: string },
  { plainHttp = false, sha256, onProgress, signal = new AbortController().signal }: AddImageOptions,
): Promise<RegisteredVersion> {
  const draft = await makeDraft(dir, name, randomUUID());
  const path = join(draft, 'download');
  try {
    const limitBytes = CONVERSION_LIMITS.unpackedBytes;
    const hash = createHash('sha256');
    await downloadTo(path, {
      ...{ url, limitBytes, hash, signal, plainHttp: plainHttp ? 'anywhere' : 'here' },
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const found = hash.digest('hex');
    if (sha256 !== undefined && found !== sha256.toLowerCase()) {
      throw new ProviderError('imageDamaged', `what ${url} sends has the SHA-256 ${found}, not ${sha256}`);
    }
    return await addFromPath(dir, name, path, url, urlForOthers(url));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** As the first bytes say; what is none is for others to judge. */
async function isContainerSource(path: string): Promise<boolean> {
  const facts = await lstat(path);
  if (facts.isDirectory()) return true;
  if (!facts.isFile()) return false;
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
    const isTar = buffer.toString('latin1', TAR.at, TAR.at + TAR.magic.length) === TAR.magic;
    return isTar || buffer.subarray(0, GZIP.length).equals(GZIP);
  } finally {
    await file.close();
  }
}
