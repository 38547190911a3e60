/** The four clients of Compute Engine that we use, in one file: the whole package has a hundred of them, and 110 MB. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { CODE_ROOT } from '../../lib/processes/checkout.ts';

const CLIENTS = ['instances', 'zone_operations', 'global_operations', 'images'];
const SERVICES = ['Instances', 'ZoneOperations', 'GlobalOperations', 'Images'];
const PACKAGE_PATH = ['google', 'cloud', 'compute', 'v1'];

interface ProtoNode {
  nested?: Record<string, ProtoNode>;
  [name: string]: unknown;
}

/** Writes the file, and resolves with what went into it. Rejects with esbuild's errors. */
export async function bundleCompute(outfile: string): Promise<Metafile> {
  const root = dirname(dirname(dirname(createRequire(import.meta.url).resolve('@google-cloud/compute'))));
  const lines = CLIENTS.map((name) => `Object.assign(exports, require('./build/src/v1/${name}_client.js'));`);
  const { metafile } = await build({
    absWorkingDir: CODE_ROOT,
    metafile: true,
    stdin: { contents: lines.join('\n'), resolveDir: root, loader: 'js' },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    lineLimit: 200,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'error',
    plugins: [
      {
        name: 'protos of four clients',
        setup: (bundling) => {
          bundling.onLoad({ filter: /compute[\\/]build[\\/]protos[\\/]protos\.json$/ }, async ({ path }) => {
            const protos = JSON.parse(await readFile(path, 'utf8')) as ProtoNode;
            return { contents: JSON.stringify(withOnly(SERVICES, protos)), loader: 'json' };
          });
        },
      },
    ],
  });
  return metafile;
}

/** The protos with these services, and the messages and enums that they lead to. @throws Error where they are laid out differently. */
export function withOnly(services: readonly string[], protos: ProtoNode): ProtoNode {
  const whole = structuredClone(protos);
  const version = PACKAGE_PATH.reduce<ProtoNode | undefined>((node, name) => node?.nested?.[name], whole);
  const types = version?.nested;
  if (version === undefined || types === undefined) throw new Error(`no ${PACKAGE_PATH.join('.')} in the protos`);
  const kept: Record<string, ProtoNode> = {};
  const wanted = [...services];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const type = types[name];
    if (type === undefined || name in kept) continue;
    kept[name] = type;
    wanted.push(...namesIn(type));
  }
  const missing = services.filter((name) => !(name in kept));
  if (missing.length > 0) throw new Error(`no service ${missing.join(', ')} in the protos`);
  // In the order of the whole, so that the same input makes the same file.
  version.nested = Object.fromEntries(Object.entries(types).filter(([name]) => name in kept));
  return whole;
}

/** Each text in it, which may be the name of a type, of the package or in full. */
function namesIn(node: unknown): string[] {
  if (typeof node === 'string') return [node.split('.').at(-1) ?? ''];
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => [
    ...(key === 'type' || /Type$/.test(key) ? namesIn(value) : []),
    ...(typeof value === 'object' ? namesIn(value) : []),
  ]);
}
