import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
/** Everything that ends up in the workflow bundle, besides the SDK. */
const SOURCES = ['workflows', 'domain'];
const HASH_CHARACTERS = 12;

/**
 * Names the workflow code of this checkout: the package's version and a hash of the code and of the SDK's version. The
 * same on every machine, and another one whenever the code could decide otherwise.
 */
export function workflowBuildId(root: string = ROOT): string {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const hash = createHash('sha256').update(`${manifest.dependencies['@temporalio/workflow'] ?? ''}\n`);
  for (const folder of SOURCES) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    for (const file of files.sort()) {
      hash
        .update(`${folder}/${file}\n`)
        .update(readFileSync(join(root, folder, file)))
        .update('\n');
    }
  }
  return `${manifest.version}-${hash.digest('hex').slice(0, HASH_CHARACTERS)}`;
}
