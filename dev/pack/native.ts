/** The native part of Temporal's SDK, which is most of the package: that of one platform. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** As npm names platforms, and as the SDK does. */
const TARGETS: Record<string, string> = {
  'linux-x64': 'x86_64-unknown-linux-gnu',
  'linux-arm64': 'aarch64-unknown-linux-gnu',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
};

export const PLATFORMS: readonly string[] = Object.keys(TARGETS);
export const OWN_PLATFORM = `${process.platform}-${process.arch}`;

/** Copies it to where `dev/pack/bundle.ts` has the SDK look. @throws Error for a platform that the SDK has nothing for. */
export async function packNative(dist: string, platform: string): Promise<void> {
  const target = TARGETS[platform];
  const bridge = dirname(createRequire(import.meta.url).resolve('@temporalio/core-bridge/package.json'));
  const file = join(bridge, 'releases', target ?? '', 'index.node');
  if (target === undefined || !existsSync(file)) {
    throw new Error(`there is no package for ${platform}: use one of ${PLATFORMS.join(', ')}`);
  }
  await mkdir(join(dist, 'native'), { recursive: true });
  await copyFile(file, join(dist, 'native', `${target}.node`));
}

/** What keeps npm from installing it elsewhere. */
export function platformFields(platform: string): { os: string[]; cpu: string[]; libc?: string[] } {
  const [os = '', cpu = ''] = platform.split('-');
  return { os: [os], cpu: [cpu], ...(os === 'linux' ? { libc: ['glibc'] } : {}) };
}
