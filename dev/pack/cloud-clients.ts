/**
 * The clients of clouds beside the programs, in files that are read when a provider first makes a call. As npm installs them
 * they take 240 MB, here 5 MB: one of the three forms that they come in, minified.
 */
import { join, sep } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { CODE_ROOT } from '../../lib/processes/checkout.ts';

/** Packages of clouds, imported by a provider. */
const OF_CLOUDS = /^@(aws-sdk|azure|digitalocean|microsoft|smithy)\//;
const PROVIDERS = join(CODE_ROOT, 'providers') + sep;
const FOLDER = 'cloud-clients';
/** CommonJS packages within an ES module find what they expect there. */
const REQUIRE = [
  "import { createRequire as createRequireOfPackage } from 'node:module';",
  'const require = createRequireOfPackage(import.meta.url);',
].join('');

/** Leaves what providers import of clouds to files of their own, and notes their packages in `found`. */
export function cloudClientsApart(found: Set<string>): Plugin {
  return {
    name: 'clients of clouds in files of their own',
    setup: (bundling) => {
      bundling.onResolve({ filter: OF_CLOUDS }, ({ path, importer }) => {
        if (!importer.startsWith(PROVIDERS)) return undefined;
        found.add(path);
        return { path: `./${FOLDER}/${fileOf(path)}.mjs`, external: true };
      });
    },
  };
}

/**
 * Writes these packages into `cloud-clients/` of the folder, and what several need once. Minified, for nobody debugs them here;
 * errors are told by their class, so names are kept. Resolves with what went into which file, and rejects with esbuild's errors.
 */
export async function bundleCloudClients(packages: Iterable<string>, outdir: string): Promise<Metafile> {
  const names = [...packages].sort();
  const entries = names.map((name) => ({ in: `cloud-client:${name}`, out: fileOf(name) }));
  const { metafile } = await build({
    entryPoints: entries,
    absWorkingDir: CODE_ROOT,
    outdir: join(outdir, FOLDER),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    // The ES modules of packages that have both: of these, what nobody imports is left out.
    mainFields: ['module', 'main'],
    target: 'node20',
    format: 'esm',
    minify: true,
    // An uncaught error shows its line of code.
    lineLimit: 200,
    keepNames: true,
    legalComments: 'none',
    banner: { js: REQUIRE },
    plugins: [wholePackages],
    metafile: true,
    logLevel: 'error',
  });
  return metafile;
}

const wholePackages: Plugin = {
  name: 'all that a package exports',
  setup: (bundling) => {
    bundling.onResolve({ filter: /^cloud-client:/ }, ({ path }) => ({
      path: path.slice('cloud-client:'.length),
      namespace: 'cloud-client',
    }));
    bundling.onLoad({ filter: /.*/, namespace: 'cloud-client' }, ({ path }) => ({
      contents: `export * from '${path}';`,
      resolveDir: CODE_ROOT,
      loader: 'js',
    }));
  },
};

/** `@azure/arm-compute` is `azure-arm-compute`. */
function fileOf(name: string): string {
  return name.slice(1).replaceAll('/', '-');
}
