/** Every program of the package in `dist/`, with all that it needs of node_modules, and shared parts once. */
import { copyFile, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { nameOf, PROGRAMS, sourcePlaces } from '../../commands/start/build-programs.ts';
import { CODE_ROOT } from '../../lib/processes/checkout.ts';
import { bundleCloudClients, cloudClientsApart } from './cloud-clients.ts';

const require = createRequire(import.meta.url);
const ofWorker = createRequire(require.resolve('@temporalio/worker'));

/** Only a checkout uses these: to build, and to run TypeScript. */
const NOT_PACKED = ['esbuild', 'tsx', 'vite', '@vitejs/plugin-react', '@temporalio/testing', '@google-cloud/compute'];
/** What makes a workflow bundle; the package has one. */
const BUNDLER = /^(webpack|memfs|unionfs|@swc\/core|swc-loader|source-map-loader)$/;
/** CommonJS packages that our code loads when it needs them. */
const ON_DEMAND = /^(google-auth-library|@peculiar\/x509)$/;
const WORKFLOW_THREAD = 'workflow-worker-thread';

/** CommonJS packages within an ES module find what they expect there. */
const COMMON_JS = [
  "import { createRequire as createRequireOfPackage } from 'node:module';",
  "import { dirname as dirnameOfPackage } from 'node:path';",
  "import { fileURLToPath as fileURLToPathOfPackage } from 'node:url';",
  'const require = createRequireOfPackage(import.meta.url);',
  'const __filename = fileURLToPathOfPackage(import.meta.url);',
  'const __dirname = dirnameOfPackage(__filename);',
].join('');

const withoutBundler: Plugin = {
  name: 'without the workflow bundler',
  setup: (bundling) => {
    bundling.onResolve({ filter: BUNDLER }, ({ path }) => ({ path, namespace: 'not-packed' }));
    bundling.onLoad({ filter: /.*/, namespace: 'not-packed' }, () => ({
      contents: 'module.exports = {};',
      loader: 'js',
    }));
  },
};

/** esbuild gives what is imported on demand no named exports where it is CommonJS: each gets them here. */
const namesOnDemand: Plugin = {
  name: 'named exports of packages that are loaded on demand',
  setup: (bundling) => {
    bundling.onResolve({ filter: ON_DEMAND }, ({ path, kind, resolveDir }) =>
      kind === 'dynamic-import' ? { path, namespace: 'on-demand', pluginData: { resolveDir } } : undefined,
    );
    bundling.onLoad({ filter: /.*/, namespace: 'on-demand' }, ({ path, pluginData }) => {
      require('reflect-metadata');
      const names = Object.keys(require(path) as object).filter((name) => name !== 'default');
      const lines = names.map((name) => `export const ${name} = all.${name};`);
      const { resolveDir } = pluginData as { resolveDir: string };
      return { contents: [`import * as all from '${path}';`, ...lines].join('\n'), resolveDir, loader: 'js' };
    });
  },
};

/** What packages look for beside themselves is beside the programs here. */
const placesOfPackages: Plugin = {
  name: 'places of packages',
  setup: (bundling) => {
    const replaced = (filter: RegExp, pairs: readonly (readonly [string, string])[]): void => {
      bundling.onLoad({ filter }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        for (const [from] of pairs) if (!text.includes(from)) throw new Error(`${path} has no ${from} any more`);
        return { contents: pairs.reduce((made, [from, to]) => made.replaceAll(from, to), text), loader: 'js' };
      });
    };
    replaced(/@temporalio\/worker\/lib\/workflow\/threaded-vm\.js$/, [
      [`require.resolve('./${WORKFLOW_THREAD}')`, `require('node:path').join(__dirname, '${WORKFLOW_THREAD}.mjs')`],
    ]);
    replaced(/@temporalio\/worker\/lib\/workflow\/bundler\.js$/, [
      ["require.resolve('../workflow-log-interceptor')", "'workflow-log-interceptor'"],
    ]);
    replaced(/@temporalio\/core-bridge\/common\.js$/, [
      [
        "path.resolve(__dirname, 'releases', getPrebuiltTargetName(), 'index.node')",
        "path.join(__dirname, 'native', getPrebuiltTargetName() + '.node')",
      ],
    ]);
  },
};

/**
 * Writes the programs into a folder, which stands beside the package's package.json as `dist/` does in the checkout.
 * `entries`: more TypeScript files of the checkout, by the names that they get. Resolves with the files that they are made of.
 */
export async function bundlePrograms(outdir: string, entries: Readonly<Record<string, string>>): Promise<string[]> {
  const cloudClients = new Set<string>();
  const programs = Object.fromEntries(PROGRAMS.map((program) => [nameOf(program), program]));
  const { metafile } = await build({
    entryPoints: {
      ...programs,
      ...entries,
      [WORKFLOW_THREAD]: require.resolve(`@temporalio/worker/lib/workflow/${WORKFLOW_THREAD}.js`),
    },
    absWorkingDir: CODE_ROOT,
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    external: NOT_PACKED,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Errors are told by their class.
    keepNames: true,
    legalComments: 'none',
    loader: { '.html': 'text', '.css': 'text', '.page.js': 'text' },
    banner: { js: COMMON_JS },
    plugins: [sourcePlaces, withoutBundler, namesOnDemand, placesOfPackages, cloudClientsApart(cloudClients)],
    metafile: true,
    logLevel: 'error',
  });
  await copyFile(ofWorker.resolve('source-map/lib/mappings.wasm'), join(outdir, 'mappings.wasm'));
  const clients = await bundleCloudClients(cloudClients, outdir);
  return [metafile, clients].flatMap((made) => Object.keys(made.inputs));
}
