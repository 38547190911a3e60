/**
 * Pulls an image from a registry into an OCI layout directory. Every part is named by the digest of what it must be, from the
 * manifest down, so that a tag that moves meanwhile mixes nothing, and what is damaged on the way never counts.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { boundedBody } from '../../../../lib/network/bounded-body.ts';
import { inParallel } from '../../../../lib/waiting/in-parallel.ts';
import { credentialsFor } from './credentials.ts';
import { manifestName, parseReference, referenceText, registryUrl } from './reference.ts';
import { RegistryClient, type RegistryClientOptions } from './registry-client.ts';

export interface PullInput {
  /** As people write it: parseReference. */
  reference: string;
  /** Becomes the layout: it is there, and empty. */
  layoutDir: string;
  env: Readonly<Record<string, string | undefined>>;
  plainHttp: boolean;
  /** What all layers together may take as they are sent. */
  limitBytes: number;
  signal: AbortSignal;
  onProgress?: (receivedBytes: number, totalBytes: number) => void;
  /** Others than the usual ones; only tests set them. */
  patience?: Pick<RegistryClientOptions, 'tries' | 'stallMs' | 'firstPauseMs'>;
}

export interface PulledImage {
  /** In full. */
  reference: string;
  /** Of the manifest for this kind of computer; with it behind the name this very image is meant for good. */
  digest: string;
  bytes: number;
}

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const ANY_TYPE = 'application/octet-stream, */*';
const MOST_MANIFEST_BYTES = 4 * 1024 ** 2;
const MOST_CONFIG_BYTES = 8 * 1024 ** 2;
const BLOBS_AT_ONCE = 3;
const REFERENCE_ANNOTATION = 'org.opencontainers.image.ref.name';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const size = z.int().min(0);
const platformSchema = z.looseObject({ os: z.string(), architecture: z.string() });
const indexSchema = z.looseObject({
  manifests: z.array(
    z.looseObject({ mediaType: z.string().optional(), digest, size, platform: platformSchema.optional() }),
  ),
});
const blobSchema = z.looseObject({ digest, size, urls: z.array(z.string()).optional() });
const manifestSchema = z.looseObject({ config: blobSchema, layers: z.array(blobSchema).min(1).max(256) });

type Blob = z.output<typeof blobSchema>;

/** What an answer said, and is. */
interface Described {
  digest: string;
  bytes: Buffer;
  mediaType: string;
  value: unknown;
}

/**
 * Errors: `imageRefused` for a reference, an image or a registry that cannot be used, `imageUnknown`, `permissionDenied`,
 * `imageDamaged` for what is not what its digest says, `backendUnavailable`.
 */
export async function pullImage(input: PullInput): Promise<PulledImage> {
  const { layoutDir, env, plainHttp, limitBytes, signal, patience = {} } = input;
  const reference = parseReference(input.reference);
  const { registry, repository } = reference;
  const credentials = await credentialsFor(registry, env);
  const url = registryUrl(reference, { plainHttp });
  const client = new RegistryClient({ url, repository, credentials, plainHttp, signal, ...patience });
  const found = await manifestOf(client, await describe(client, manifestName(reference), reference.digest));
  const { config, layers } = checked(manifestSchema, found.value, 'its manifest');
  const foreign = layers.find(({ urls }) => urls !== undefined && urls.length > 0);
  if (foreign !== undefined) throw refused(`the layer ${foreign.digest} of ${input.reference} is in no registry`);
  const bytes = [config, ...layers].reduce((sum, blob) => sum + blob.size, 0);
  if (bytes > limitBytes) {
    throw refused(`${input.reference} has ${bytes} bytes to fetch, and at most ${limitBytes} are fetched here`);
  }
  if (config.size > MOST_CONFIG_BYTES)
    throw refused(`the configuration of ${input.reference} has ${config.size} bytes`);
  const blobs = join(layoutDir, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true, mode: 0o700 });
  let received = 0;
  const note = (more: number): void => {
    received += more;
    input.onProgress?.(received, bytes);
  };
  const wanted = new Map([config, ...layers].map((blob) => [blob.digest, blob]));
  await inParallel(wanted.values(), BLOBS_AT_ONCE, (blob) => fetchBlob(client, blob, blobs, note));
  await writeLayout(layoutDir, found, referenceText(reference));
  return { reference: referenceText(reference), digest: found.digest, bytes };
}

/** The manifest itself, or the one for this kind of computer in an index. */
async function manifestOf(client: RegistryClient, top: Described): Promise<Described> {
  const isIndex = INDEX_TYPES.includes(top.mediaType) || 'manifests' in Object(top.value);
  if (!isIndex) return requireManifest(top);
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const { manifests } = checked(indexSchema, top.value, 'its index');
  const ofPlatform = manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
  );
  if (ofPlatform === undefined) {
    const kinds = manifests.flatMap(({ platform: one }) => (one === undefined ? [] : `${one.os}/${one.architecture}`));
    throw refused(
      `the image is for ${[...new Set(kinds)].join(', ') || 'nothing'}, and guests here are linux/${architecture}`,
    );
  }
  return requireManifest(await describe(client, ofPlatform.digest, ofPlatform.digest));
}

function requireManifest(found: Described): Described {
  if (MANIFEST_TYPES.includes(found.mediaType)) return found;
  throw refused(
    `the registry answers with ${found.mediaType || 'nothing that has a type'}, which is no manifest of an image`,
  );
}

async function describe(client: RegistryClient, name: string, expected: string | null): Promise<Described> {
  return client.get(`manifests/${name}`, [...MANIFEST_TYPES, ...INDEX_TYPES].join(', '), async (body, headers) => {
    const tooLong = `the manifest has more than ${MOST_MANIFEST_BYTES} bytes`;
    const bytes = await boundedBody(body as AsyncIterable<Buffer>, MOST_MANIFEST_BYTES, tooLong);
    const own = digestOf(bytes);
    const said = expected ?? headers.get('docker-content-digest') ?? own;
    if (said !== own) throw damaged(`the manifest ${name} has the digest ${own}, not ${said}`);
    const value = json(bytes, name);
    const inside: unknown = (Object(value) as { mediaType?: unknown }).mediaType;
    const type = headers.get('content-type')?.split(';')[0]?.trim() ?? '';
    return { digest: own, bytes, value, mediaType: typeof inside === 'string' ? inside : type };
  });
}

async function fetchBlob(
  client: RegistryClient,
  blob: Blob,
  blobs: string,
  note: (bytes: number) => void,
): Promise<void> {
  const path = join(blobs, blob.digest.slice('sha256:'.length));
  await client.get(`blobs/${blob.digest}`, ANY_TYPE, async (body) => {
    let received = 0;
    try {
      const hash = createHash('sha256');
      const file = await open(path, 'w', 0o600);
      try {
        for await (const chunk of body) {
          if (received + chunk.length > blob.size) throw damaged(`${blob.digest} has more than its ${blob.size} bytes`);
          received += chunk.length;
          note(chunk.length);
          hash.update(chunk);
          await file.writeFile(chunk);
        }
      } finally {
        await file.close();
      }
      if (received < blob.size) throw new Error(`${blob.digest} ends after ${received} of ${blob.size} bytes`);
      const own = `sha256:${hash.digest('hex')}`;
      if (own !== blob.digest) throw damaged(`what came for ${blob.digest} has the digest ${own}`);
    } catch (error) {
      note(-received);
      await rm(path, { force: true });
      throw error;
    }
  });
}

async function writeLayout(dir: string, { digest: own, bytes }: Described, reference: string): Promise<void> {
  const annotations = { [REFERENCE_ANNOTATION]: reference };
  const manifests = [{ mediaType: MANIFEST_TYPE, digest: own, size: bytes.length, annotations }];
  await writeFile(join(dir, 'blobs', 'sha256', own.slice('sha256:'.length)), bytes);
  await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  // Last: a directory without it is no layout.
  await writeFile(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function json(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ProviderError('imageDamaged', `the manifest ${name} is no JSON`, { cause });
  }
}

function checked<Value>(schema: z.ZodType<Value>, value: unknown, what: string): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refused(`${what} cannot be used: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}

function damaged(message: string): ProviderError {
  return new ProviderError('imageDamaged', message);
}
