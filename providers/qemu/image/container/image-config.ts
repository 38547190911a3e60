/** What an image says of itself: its layers, and how its program is started. */
import { z } from 'zod';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { checkDigest, hashOf, type LayerPart } from './layer-stream.ts';
import { readJsonPart, type ImageSource } from './image-source.ts';

/** What all guests here are. */
const PLATFORM = { os: 'linux', architecture: 'amd64' } as const;
const MAX_NESTED_INDEXES = 3;
const MAX_LAYERS = 256;
const REFERENCE_ANNOTATIONS = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'] as const;

const descriptorSchema = z.looseObject({
  mediaType: z.string().default(''),
  digest: z.string(),
  platform: z.looseObject({ os: z.string(), architecture: z.string() }).exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
});
const indexSchema = z.looseObject({ manifests: z.array(descriptorSchema) });
const manifestSchema = z.looseObject({ config: descriptorSchema, layers: z.array(descriptorSchema).max(MAX_LAYERS) });
const dockerSchema = z.array(
  z.looseObject({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()).max(MAX_LAYERS),
  }),
);

const textsSchema = z.array(z.string()).nullish();
const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  rootfs: z.looseObject({ diff_ids: z.array(z.string()).max(MAX_LAYERS) }),
  config: z
    .looseObject({
      User: z.string().nullish(),
      Env: textsSchema,
      Entrypoint: textsSchema,
      Cmd: textsSchema,
      WorkingDir: z.string().nullish(),
      StopSignal: z.string().nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});

export type ImageConfig = NonNullable<z.infer<typeof configSchema>['config']>;

export interface DescribedImage {
  /** Digest of its configuration, which names all of it. */
  id: string;
  /** As the archive names it; null where it does not. */
  reference: string | null;
  config: ImageConfig;
  layers: LayerPart[];
}

type Descriptor = z.infer<typeof descriptorSchema>;

/** The one image of this computer's kind in `source`. Errors: `imageRefused`, `imageDamaged`. */
export async function describeImage(source: ImageSource): Promise<DescribedImage> {
  const index = await readJsonPart(source, 'index.json');
  if (index !== undefined) return ofLayout(source, index.value);
  const docker = await readJsonPart(source, 'manifest.json');
  if (docker !== undefined) return ofDocker(source, docker.value);
  throw refused(`${source.what} is no container image: it has neither an index.json nor a manifest.json`);
}

async function ofLayout(source: ImageSource, index: unknown): Promise<DescribedImage> {
  const candidates = await manifestsIn(source, checked(indexSchema, index, `index.json in ${source.what}`).manifests);
  const [found, ...more] = candidates;
  if (found === undefined) {
    throw refused(`${source.what} holds no image for ${PLATFORM.os}/${PLATFORM.architecture}, which guests here are`);
  }
  if (more.some(({ digest }) => digest !== found.digest)) {
    const names = candidates.map((one) => referenceIn(one) ?? one.digest).join(', ');
    throw refused(`${source.what} holds several images (${names}): save one alone`);
  }
  const { value } = await readBlob(source, found);
  const { config, layers } = checked(manifestSchema, value, `the manifest ${found.digest} in ${source.what}`);
  const parts = layers.map(({ digest }) => ({ part: blobPart(digest), digest }));
  const described = await readBlob(source, config);
  return imageOf(source, { described: described.value, id: config.digest, reference: referenceIn(found), parts });
}

/** Manifests for this kind of computer; an index in an index is looked through too. */
async function manifestsIn(source: ImageSource, descriptors: Descriptor[], depth = 0): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  for (const descriptor of descriptors) {
    const { mediaType, platform } = descriptor;
    if (isIndex(mediaType)) {
      if (depth >= MAX_NESTED_INDEXES) throw refused(`${source.what} has indexes in indexes without end`);
      const { value } = await readBlob(source, descriptor);
      const { manifests } = checked(indexSchema, value, `the index ${descriptor.digest} in ${source.what}`);
      const inner = await manifestsIn(source, manifests, depth + 1);
      const annotations = descriptor.annotations;
      found.push(...inner.map((one) => (annotations === undefined ? one : { ...one, annotations })));
    } else if (isManifest(mediaType) && isOfPlatform(platform)) found.push(descriptor);
  }
  return found;
}

function isOfPlatform(platform: Descriptor['platform']): boolean {
  return platform === undefined || (platform.os === PLATFORM.os && platform.architecture === PLATFORM.architecture);
}

function isIndex(mediaType: string): boolean {
  return mediaType.includes('image.index') || mediaType.includes('manifest.list');
}

function isManifest(mediaType: string): boolean {
  return mediaType === '' || mediaType.includes('image.manifest') || mediaType.includes('distribution.manifest.v2');
}

async function ofDocker(source: ImageSource, manifest: unknown): Promise<DescribedImage> {
  const images = checked(dockerSchema, manifest, `manifest.json in ${source.what}`);
  const [image, ...more] = images;
  if (image === undefined || more.length > 0)
    throw refused(`${source.what} holds ${images.length} images: save one alone`);
  const config = await readJsonPart(source, image.Config);
  if (config === undefined) throw damaged(`${image.Config} is not in ${source.what}`);
  // It is named by its digest, with or without a folder around it.
  const [digest] = /[0-9a-f]{64}/.exec(image.Config) ?? [];
  if (digest === undefined) throw damaged(`${source.what} names a configuration without its digest: ${image.Config}`);
  const id = `sha256:${digest}`;
  checkDigest(config.bytes, id, image.Config);
  const parts = image.Layers.map((part) => ({ part, digest: null }));
  return imageOf(source, { described: config.value, id, reference: image.RepoTags?.[0] ?? null, parts });
}

interface Parts {
  described: unknown;
  id: string;
  reference: string | null;
  parts: { part: string; digest: string | null }[];
}

function imageOf(source: ImageSource, { described, id, reference, parts }: Parts): DescribedImage {
  const { os, architecture, rootfs, config } = checked(configSchema, described, `the configuration of ${source.what}`);
  if (os !== PLATFORM.os || architecture !== PLATFORM.architecture) {
    const text = `${source.what} is for ${os}/${architecture}; guests here are ${PLATFORM.os}/${PLATFORM.architecture}`;
    throw refused(`${text}: build or pull it with --platform ${PLATFORM.os}/${PLATFORM.architecture}`);
  }
  const diffIds = rootfs.diff_ids;
  if (diffIds.length !== parts.length || parts.length === 0) {
    throw damaged(`${source.what} has ${parts.length} layers and says the content of ${diffIds.length}`);
  }
  const layers = parts.map(({ part, digest }, place) => {
    const what = `layer ${place + 1} of ${source.what}`;
    return { part, digest, diffId: diffIds[place] ?? '', what };
  });
  return { id, reference, config: config ?? {}, layers };
}

async function readBlob(source: ImageSource, { digest }: Descriptor): Promise<{ value: unknown }> {
  const found = await readJsonPart(source, blobPart(digest));
  if (found === undefined) throw damaged(`${digest} is not in ${source.what}`);
  checkDigest(found.bytes, digest, `${digest} in ${source.what}`);
  return found;
}

/** A digest becomes a file name, so it is checked before. */
function blobPart(digest: string): string {
  hashOf(digest, 'a part of the image');
  return `blobs/${digest.replace(':', '/')}`;
}

function referenceIn({ annotations }: Descriptor): string | null {
  const name = REFERENCE_ANNOTATIONS.map((key) => annotations?.[key]).find((one) => one !== undefined);
  return name ?? null;
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw damaged(`${what} is not as it must be: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}

function damaged(message: string): ProviderError {
  return new ProviderError('imageDamaged', message);
}
