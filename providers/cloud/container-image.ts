import { ProviderError } from '../../domain/machine/provider-error.ts';

const CONTAINER_PREFIX = 'container:';
const CONTAINER = /^[a-z0-9][a-z0-9._:/-]*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/**
 * The container image of `container:REGISTRY/NAME:TAG`, null for an image of a disk.
 * @throws ProviderError `badSpec`
 */
export function containerOf(image: string): string | null {
  if (!image.startsWith(CONTAINER_PREFIX)) return null;
  const container = image.slice(CONTAINER_PREFIX.length);
  if (container.length <= 255 && CONTAINER.test(container)) return container;
  const text = `${JSON.stringify(image)} names no container image; one looks like container:docker.io/library/nginx:1`;
  throw new ProviderError('badSpec', `field image: ${text}`);
}
