import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import { UsageError } from '../usage-error.ts';
import { INSTANCE_PLATFORMS } from './instance-platforms.ts';

/**
 * Puts what makes an instance itself into files of a directory, which is to be in memory: `machine-key`, and `agent-secret` where
 * its deployment gives it one. For start scripts. Throws a {@link UsageError} that names what is wrong.
 */
export async function writeIdentity([name, ...args]: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { dir, 'metadata-url': url } = parseArgs({ args, options: { dir: text, 'metadata-url': text } }).values;
  const platform = INSTANCE_PLATFORMS.find((one) => one.name === name);
  if (platform === undefined || !dir) {
    const known = INSTANCE_PLATFORMS.map((one) => one.name).join(', ');
    throw new UsageError(`identity needs one of ${known}, and --dir <directory>`);
  }
  process.umask(0o077);
  const place = { metadataUrl: url ?? platform.metadataUrl };
  mkdirSync(dir, { recursive: true });
  const key = await platform.machineKey(place);
  if (key === undefined) throw new Error('the metadata has no key of this machine: make the instance with Ephemera');
  replacePrivateFile(join(dir, 'machine-key'), key);
  const secret = await platform.secret(place);
  if (secret !== undefined) replacePrivateFile(join(dir, 'agent-secret'), secret);
}
