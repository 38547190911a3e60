/** Another version of this checkout: a copy in a folder of its own, with some of its code changed. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const CODE = [
  'activities',
  'commands',
  'config',
  'domain',
  'lib',
  'providers',
  'security',
  'telemetry',
  'worker',
  'workflows',
  'package.json',
  // By which code knows that it is in a checkout.
  'tsconfig.json',
];

/** Text of one file that is replaced by another; it must be there exactly once. */
export interface CodeChange {
  file: string;
  from: string;
  to: string;
}

/** Copies the code and the recorded histories, then makes the changes. Installed packages are shared. */
export async function copyCheckout(
  changes: readonly CodeChange[],
): Promise<{ root: string; remove: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'eph-checkout-'));
  for (const part of [...CODE, 'test/replay/histories'])
    await cp(join(ROOT, part), join(root, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const { file, from, to } of changes) {
    const text = await readFile(join(root, file), 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold this once: ${from}`);
    await writeFile(join(root, file), text.replace(from, to));
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}
