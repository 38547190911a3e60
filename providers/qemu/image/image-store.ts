/**
 * The registered images of the deployment, as one host has them: those that are here, and those that it fetches from the host
 * that has them when a machine needs one. What was fetched is kept within a limit, and goes when another one needs its place.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  MOST_COPIES_SAID,
  copiesOf,
  parseImageName,
  type ImageCopy,
  type ImageVersion,
} from '../../../domain/machine/image-copies.ts';
import type { ImagePeers } from '../../../domain/machine/image-peers.ts';
import type { CancelSignal, ImageCopies, OpenedCopy } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { unlessAbsent } from '../../../lib/files/absent.ts';
import { withStallLimit } from '../../../lib/waiting/stalling.ts';
import { withRoomFor } from '../../host/files/copy-room.ts';
import { withFullDiskOf } from '../../host/files/disk-room.ts';
import { waitUntil } from '../../host/processes/waiting.ts';
import { copiesToEvict } from './cache-room.ts';
import { copiesNamed, nameOfContainer, unknownReference } from './container-images.ts';
import { judgeDiskImage } from './disk-images.ts';
import { copyOf, keepersFirst, peersOf } from './peer-copies.ts';
import {
  IMAGE_CONTENT,
  checkRegistered,
  findRegistered,
  listRegistered,
  makeDraft,
  noteUse,
  parseImageManifest,
  register,
  removeRegistered,
  unknownImage,
  usedAt,
  usersOf,
  versionOf,
  type ImageManifest,
  type RegisteredVersion,
} from './registered-images.ts';
import { downloadTo, type Download } from './url-download.ts';

/** A peer that sends nothing for so long is given up for another one. */
const STALL_MS = 30_000;
/** So much stays free for the machines that run beside it. */
const KEPT_FREE_BYTES = 256 * 1024 ** 2;
/** Begins the names of drafts of fetches, which no other process of this state directory makes. */
const FETCH = 'fetch-';

export interface ImageStoreOptions {
  /** Where the images of this host are, and its machines. */
  dir: string;
  machinesDir: string;
  /** Absent: nothing is fetched. */
  peers?: ImagePeers | undefined;
  /** What fetched images may take. */
  cacheBytes: number;
  /** Only tests set others. */
  stallMs?: number;
  plainUrls?: Download['plainHttp'];
}

/** Where a version is to be had. */
interface Wanted {
  copy: Pick<ImageCopy, 'name' | 'version' | 'sha256' | 'bytes' | 'diskGb' | 'addedAt' | 'url'>;
  here: RegisteredVersion | undefined;
  hosts: string[];
  /** They have it too, and cannot be asked now. */
  away: string[];
}

export class ImageStore implements ImageCopies {
  readonly #options: ImageStoreOptions;
  /** Fetches that are under way, by version: one for everybody who waits for it. */
  readonly #fetches = new Map<string, Promise<RegisteredVersion>>();
  /** Machines are being made of these directories. */
  readonly #held = new Map<string, number>();
  #coming = 0;
  #makingRoom: Promise<unknown> = Promise.resolve();
  #tidied: Promise<void> | undefined;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /**
   * The registered image that a spec means by `NAME`, `container:NAME`, or `container:` and the name of a registry under which an
   * image came to any host. Errors: `imageUnknown`, `imageUnreachable`.
   */
  async named(image: string): Promise<string> {
    const asked = nameOfContainer(image);
    if (asked === undefined || parseImageName(asked) !== undefined) return asked ?? image;
    const { dir, peers } = this.#options;
    const here = (await listRegistered(dir)).map((one) => copyOf(one, 0));
    const ofPeers = await peersOf(peers);
    const [found] = copiesNamed([...here, ...(ofPeers ?? []).map(({ copy }) => copy)], asked);
    if (found !== undefined) return `${found.name}@${found.version}`;
    throw unknownReference(asked, ofPeers !== undefined);
  }

  /** The least disk of a machine of the image, which need not be here. Errors: `imageUnknown`, `imageUnreachable`. */
  async leastDiskGb(image: string): Promise<number> {
    return (await this.#wanted(image)).copy.diskGb;
  }

  /**
   * Does `work` with the image, fetched where it is not here; nobody removes it meanwhile. Errors: `imageUnknown`,
   * `imageDamaged`; `imageUnreachable` where those who have it do not send it; `diskFull`.
   */
  async using<Result>(
    image: string,
    signal: CancelSignal,
    work: (version: RegisteredVersion) => Promise<Result>,
  ): Promise<Result> {
    const version = await this.#bring(image, signal);
    const { directory } = version;
    this.#held.set(directory, (this.#held.get(directory) ?? 0) + 1);
    try {
      await noteUse(version);
      return await work(version);
    } finally {
      const left = (this.#held.get(directory) ?? 1) - 1;
      if (left === 0) this.#held.delete(directory);
      else this.#held.set(directory, left);
    }
  }

  async list(): Promise<ImageCopy[]> {
    const { dir, machinesDir } = this.#options;
    const here = await listRegistered(dir);
    if (here.length === 0) return [];
    // One machine whose file is damaged hides no image.
    const users = await usersOf(machinesDir, { withoutDamaged: true });
    const said = await Promise.all(
      here.map(async (version) => {
        const machines = users.filter(({ directory }) => directory === version.directory).length;
        return { copy: copyOf(version, machines), usedAt: await usedAt(version) };
      }),
    );
    const recent = said.sort((a, b) => b.usedAt - a.usedAt).slice(0, MOST_COPIES_SAID);
    return recent.map(({ copy }) => copy);
  }

  async open(image: ImageVersion): Promise<OpenedCopy | undefined> {
    const found = await this.#find(image);
    if (found === undefined) return undefined;
    const { origin, manifest, bytes, path } = found;
    // Who lost it keeps it for nobody.
    if ((await unlessAbsent(stat(path)))?.size !== bytes) return undefined;
    return { origin, bytes, manifest, content: () => createReadStream(path) };
  }

  async remove(name: string): Promise<void> {
    const { dir, machinesDir } = this.#options;
    const held = (await listRegistered(dir)).find((one) => one.name === name && this.#held.has(one.directory));
    if (held !== undefined) throw new ProviderError('imageRefused', `a machine is being made of the image ${name}`);
    await removeRegistered(dir, name, machinesDir).catch((error: unknown) => {
      if (!(error instanceof ProviderError) || error.code !== 'imageUnknown') throw error;
    });
  }

  async #find({ name, version }: ImageVersion): Promise<RegisteredVersion | undefined> {
    const here = await listRegistered(this.#options.dir);
    return here.find((one) => one.name === name && one.version === version);
  }

  async #wanted(image: string): Promise<Wanted> {
    const { dir, peers } = this.#options;
    const name = parseImageName(image);
    if (name === undefined) throw await unknownImage(dir, image);
    const here = await listRegistered(dir);
    const ofPeers = await peersOf(peers);
    const everywhere = [...here.map((one) => copyOf(one, 0)), ...(ofPeers ?? []).map(({ copy }) => copy)];
    const [copy] = copiesOf(everywhere, name);
    if (copy === undefined) {
      if (ofPeers === undefined) {
        const why = `the image ${image} is not on this host, and the registry does not say now which host has it`;
        throw new ProviderError('imageUnreachable', why);
      }
      throw await findRegistered(dir, image).then(
        () => new ProviderError('imageUnreachable', `the image ${image} came to this host just now`),
        (error: unknown) => error,
      );
    }
    const isIt = (one: ImageVersion): boolean => one.name === copy.name && one.version === copy.version;
    const hosts = (ofPeers ?? []).filter((peer) => isIt(peer.copy)).sort(keepersFirst);
    const named = (isAway: boolean): string[] =>
      hosts.filter((peer) => peer.isAway === isAway).map(({ hostId }) => hostId);
    return { copy, here: here.find(isIt), hosts: named(false), away: named(true) };
  }

  async #bring(image: string, signal: CancelSignal): Promise<RegisteredVersion> {
    const wanted = await this.#wanted(image);
    if (wanted.here !== undefined) {
      try {
        await checkRegistered(wanted.here);
        return wanted.here;
      } catch (error) {
        const isDamaged = error instanceof ProviderError && error.code === 'imageDamaged';
        if (!isDamaged || wanted.hosts.length === 0) throw error;
      }
    }
    const key = `${wanted.copy.name}@${wanted.copy.version}`;
    const fetching = this.#fetches.get(key) ?? this.#fetch(wanted);
    this.#fetches.set(key, fetching);
    let ended = false;
    const end = (): void => {
      ended = true;
      if (this.#fetches.get(key) === fetching) this.#fetches.delete(key);
    };
    fetching.then(end, end);
    // A create that is given up leaves the fetch to the next one.
    await waitUntil(() => Promise.resolve(ended ? true : undefined), Infinity, signal);
    return fetching;
  }

  async #fetch(wanted: Wanted): Promise<RegisteredVersion> {
    const { dir } = this.#options;
    const { copy, hosts, away } = wanted;
    this.#tidied ??= removeDrafts(dir).catch((error: unknown) => {
      // Of this fetch alone: the next one tries it again.
      this.#tidied = undefined;
      throw error;
    });
    await this.#tidied;
    const failures = away.map((hostId) => `${hostId}: it is away`);
    return withFullDiskOf(dir, `the image ${copy.name}`, () =>
      this.#withRoom(wanted, async () => {
        for (const hostId of hosts) {
          try {
            return await this.#fetchFrom(hostId, copy);
          } catch (error) {
            if (isFullDisk(error)) throw error;
            failures.push(`${hostId}: ${error instanceof Error ? error.message : String(error)}`);
          }
        }
        if (copy.url !== undefined) {
          try {
            return await this.#fetchFromUrl(copy, copy.url);
          } catch (error) {
            if (isFullDisk(error)) throw error;
            failures.push(error instanceof Error ? error.message : String(error));
          }
        }
        throw unreachable(copy, `nobody sends it (${failures.join('; ')})`);
      }),
    );
  }

  async #fetchFrom(hostId: string, copy: Wanted['copy']): Promise<RegisteredVersion> {
    const { dir, peers, stallMs = STALL_MS } = this.#options;
    if (peers === undefined) throw new Error('there are no other hosts');
    const stop = new AbortController();
    const draft = await makeDraft(dir, `${FETCH}${copy.name}`, randomUUID());
    try {
      const { manifest: sent, content } = await peers.fetch(hostId, copy, stop.signal);
      const manifest = parseImageManifest(sent);
      if (manifest === undefined || !isManifestOf(manifest, copy)) throw new Error('it sends another image');
      const kind = manifest.kind ?? 'qcow2';
      const path = join(draft, IMAGE_CONTENT[kind]);
      const room = { bytes: copy.bytes, dir: draft, keptFreeBytes: KEPT_FREE_BYTES };
      await withRoomFor(room, stop.signal, () => writeChecked(withStallLimit(content, stallMs), path, copy));
      if (kind === 'qcow2') await judgeDiskImage(path, `what ${hostId} sends`);
      return await register(dir, copy.name, { draft, manifest: { ...manifest, origin: 'fetched' } });
    } finally {
      stop.abort(new Error('the fetch is over'));
      await rm(draft, { recursive: true, force: true });
    }
  }

  async #fetchFromUrl(copy: Wanted['copy'], url: string): Promise<RegisteredVersion> {
    const { dir, plainUrls = 'never', stallMs = STALL_MS } = this.#options;
    const { signal } = new AbortController();
    const draft = await makeDraft(dir, `${FETCH}${copy.name}`, randomUUID());
    try {
      const path = join(draft, IMAGE_CONTENT.qcow2);
      const hash = createHash('sha256');
      const room = { bytes: copy.bytes, dir: draft, keptFreeBytes: KEPT_FREE_BYTES };
      const download = { url, plainHttp: plainUrls, limitBytes: copy.bytes, hash, signal, stallMs };
      await withRoomFor(room, signal, () => downloadTo(path, download));
      if (hash.digest('hex') !== copy.sha256) throw new Error(`what ${url} sends now has another SHA-256`);
      const virtualBytes = await judgeDiskImage(path, url);
      const disk = { bytes: copy.bytes, sha256: copy.sha256 };
      const about = { addedAt: copy.addedAt, kind: 'qcow2', virtualBytes, disk, origin: 'fetched', url } as const;
      return await register(dir, copy.name, { draft, manifest: about });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  /** Fetches at the same time share the limit. */
  async #withRoom<Result>({ copy, here }: Wanted, work: () => Promise<Result>): Promise<Result> {
    const making = this.#makingRoom.then(() => this.#makeRoom(copy, here));
    this.#makingRoom = making.catch(() => undefined);
    await making;
    try {
      return await work();
    } finally {
      this.#coming -= copy.bytes;
    }
  }

  async #makeRoom(copy: Wanted['copy'], here: RegisteredVersion | undefined): Promise<void> {
    const { dir, machinesDir, cacheBytes } = this.#options;
    // One that is here and damaged takes the place that it has.
    const cached = (await listRegistered(dir)).filter((one) => one.origin === 'fetched' && !isSame(one, here));
    const bytes = cached.reduce((sum, one) => sum + one.bytes, this.#coming + copy.bytes);
    if (bytes <= cacheBytes) {
      this.#coming += copy.bytes;
      return;
    }
    const users = new Set((await usersOf(machinesDir)).map(({ directory }) => directory));
    const copies = await Promise.all(
      cached.map(async (one) => ({
        ...one,
        usedAt: await usedAt(one),
        inUse: users.has(one.directory) || this.#held.has(one.directory),
      })),
    );
    const need = { limitBytes: cacheBytes, neededBytes: this.#coming + copy.bytes };
    const going = await copiesToEvict(copies, need, (one) => this.#isKeptElsewhere(one));
    if (going === undefined) {
      const limit = `EPHEMERA_HOST_IMAGE_CACHE_GB lets fetched images take ${gigabytes(cacheBytes)} GB here`;
      const why = 'those that are here are in use, or are the last copies: raise it, or free others';
      throw unreachable(copy, `it has ${gigabytes(copy.bytes)} GB, ${limit}, and ${why}`);
    }
    for (const { directory } of going) await this.#evict(directory);
    this.#coming += copy.bytes;
  }

  /** Not where a machine was begun or made of it since others were asked. What is half removed is a draft to the next process. */
  async #evict(directory: string): Promise<void> {
    const { dir, machinesDir } = this.#options;
    const isUsed = (await usersOf(machinesDir)).some((user) => user.directory === directory);
    if (isUsed || this.#held.has(directory)) return;
    const leaving = join(dir, `.${FETCH}${randomUUID()}`);
    await unlessAbsent(rename(directory, leaving));
    await rm(leaving, { recursive: true, force: true });
  }

  /** A host that keeps it until somebody removes it says so now: two hosts that evict at once cannot lose it. */
  async #isKeptElsewhere(image: ImageVersion): Promise<boolean> {
    const { peers } = this.#options;
    const signal = new AbortController().signal;
    for (const { hostId, copy, isAway } of (await peersOf(peers)) ?? []) {
      if (isAway || copy.origin !== 'registered' || copy.name !== image.name || copy.version !== image.version)
        continue;
      if (await peers?.keeps(hostId, image, signal).catch(() => false)) return true;
    }
    return false;
  }
}

function isSame(one: RegisteredVersion, other: RegisteredVersion | undefined): boolean {
  return one.directory === other?.directory;
}

function isManifestOf(manifest: ImageManifest, { version, sha256, bytes }: Wanted['copy']): boolean {
  return versionOf(manifest) === version && manifest.disk.sha256 === sha256 && manifest.disk.bytes === bytes;
}

/** What is written is what was said, to the last byte. */
async function writeChecked(
  content: AsyncIterable<Uint8Array>,
  path: string,
  { bytes, sha256 }: Pick<ImageCopy, 'bytes' | 'sha256'>,
): Promise<void> {
  const hash = createHash('sha256');
  let written = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of content) {
      written += chunk.length;
      if (written > bytes) throw new Error(`it sends more than the ${bytes} bytes of the image`);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    if (written < bytes) throw new Error(`it sends ${written} of ${bytes} bytes`);
    if (hash.digest('hex') !== sha256) throw new Error('what it sends is damaged: its SHA-256 is another one');
    await file.sync();
    await file.chmod(0o400);
  } finally {
    await file.close();
  }
}

/** What a process that was killed had begun to fetch. */
async function removeDrafts(dir: string): Promise<void> {
  const entries = (await unlessAbsent(readdir(dir))) ?? [];
  const drafts = entries.filter((entry) => entry.startsWith(`.${FETCH}`));
  await Promise.all(drafts.map((draft) => rm(join(dir, draft), { recursive: true, force: true })));
}

function isFullDisk(error: unknown): boolean {
  return error instanceof Error && ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function unreachable({ name, version }: ImageVersion, why: string): ProviderError {
  return new ProviderError('imageUnreachable', `the image ${name} (${version}) cannot be brought to this host: ${why}`);
}

function gigabytes(bytes: number): number {
  return Math.ceil((bytes / 1024 ** 3) * 10) / 10;
}
