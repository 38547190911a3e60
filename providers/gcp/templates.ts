import type { ProviderDescriptor } from '../descriptor.ts';

export const TEMPLATES: ProviderDescriptor['templates'] = {
  /** A container on Container-Optimized OS; its user names an image and a port. */
  cos: {
    version: 1,
    spec: {
      image: 'container:mirror.gcr.io/library/nginx:stable',
      memoryMb: 2048,
      egress: true,
      ports: [{ name: 'http', port: 80 }],
      readiness: { timeoutSeconds: 300 },
    },
  },
};
