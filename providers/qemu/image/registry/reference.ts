/** How people name an image in a registry, read strictly: `[host[:port]/]repository[:tag][@sha256:digest]`. */
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { isOwnHost } from '../../../../lib/network/loopback.ts';

export interface ImageReference {
  /** `host` or `host:port`, as people wrote it, by which their credentials are found too. */
  registry: string;
  repository: string;
  tag: string | null;
  /** `sha256:` and 64 hex digits; nothing else than that is taken then. */
  digest: string | null;
}

/** Where a name without a host is, as container tools have it. */
const DEFAULT_REGISTRY = 'docker.io';
/** Where that registry answers. */
const DEFAULT_REGISTRY_HOST = 'registry-1.docker.io';
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MOST_CHARACTERS = 512;
const DEFAULT_TAG = 'latest';

/** @throws ProviderError `imageRefused` that says which part is wrong. */
export function parseReference(text: string): ImageReference {
  if (text.length > MOST_CHARACTERS) throw wrong(text.slice(0, 40), `it has more than ${MOST_CHARACTERS} characters`);
  const [named = '', digest = null, ...more] = text.split('@');
  if (more.length > 0 || (digest !== null && !DIGEST.test(digest))) {
    throw wrong(text, 'what follows @ is sha256: and 64 hex digits');
  }
  const lastPart = named.slice(named.lastIndexOf('/') + 1);
  const colon = lastPart.indexOf(':');
  const tag = colon < 0 ? null : lastPart.slice(colon + 1);
  if (tag !== null && !TAG.test(tag)) throw wrong(text, `${JSON.stringify(tag)} is no tag`);
  const parts = (tag === null ? named : named.slice(0, -tag.length - 1)).split('/');
  const [first = '', ...rest] = parts;
  // A first part is a host where it looks like one, as container tools have it.
  const hasHost = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const registry = hasHost ? first : DEFAULT_REGISTRY;
  if (!HOST.test(registry)) throw wrong(text, `${JSON.stringify(registry)} is no host`);
  const path = hasHost ? rest : parts;
  const bad = path.find((part) => !PART.test(part));
  if (bad !== undefined) {
    throw wrong(
      text,
      `${JSON.stringify(bad)} is no part of a repository: small letters, digits and . _ - between them`,
    );
  }
  const repository = registry === DEFAULT_REGISTRY && path.length === 1 ? `library/${path.join()}` : path.join('/');
  return { registry, repository, tag: tag ?? (digest === null ? DEFAULT_TAG : null), digest };
}

/** The address of the registry's API. Over http only on this computer, or where people said so. */
export function registryUrl(
  { registry }: Pick<ImageReference, 'registry'>,
  { plainHttp }: { plainHttp: boolean },
): string {
  const host = registry === DEFAULT_REGISTRY ? DEFAULT_REGISTRY_HOST : registry;
  const isHere = isOwnHost(host.replace(/:\d+$/, ''));
  return `${plainHttp || isHere ? 'http' : 'https'}://${host}`;
}

/** What names the image in a manifest's path. */
export function manifestName({ tag, digest }: ImageReference): string {
  return digest ?? tag ?? DEFAULT_TAG;
}

/** As people would write it in full. */
export function referenceText({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** {@link referenceText} of a name as people write it: `docker.io/library/nginx:1` of `nginx:1`; undefined where it is none. */
export function fullReference(text: string): string | undefined {
  try {
    return referenceText(parseReference(text));
  } catch {
    return undefined;
  }
}

function wrong(text: string, why: string): ProviderError {
  const form = 'write [HOST[:PORT]/]REPOSITORY[:TAG][@sha256:DIGEST]';
  return new ProviderError('imageRefused', `${JSON.stringify(text)} is no reference of an image: ${why}; ${form}`);
}
