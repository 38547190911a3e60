/**
 * Worker, API and fence as one file each: what is loaded as hundreds of TypeScript files takes a multiple of the time to
 * start. docs/decisions/0054 says why.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';
import { buildKept, ROOT } from './kept-build.ts';

/** By their paths in the checkout. A fence is started by the worker, which finds it beside itself. */
export const PROGRAMS = ['worker/main.ts', 'api/main.ts', 'worker/host/fence/main.ts'] as const;
export type Program = (typeof PROGRAMS)[number];

/** Where our code is, as seen from `dist/`: modules find files of the checkout by where their source is. */
export const sourcePlaces: Plugin = {
  name: 'source places',
  setup: (build) => {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (path.includes(`${sep}node_modules${sep}`)) return { contents: text, loader: 'ts' };
      const fromDist = (of: string): string => JSON.stringify(relative(join(ROOT, 'dist'), of));
      const contents = text
        .replaceAll('import.meta.dirname', `(import.meta.dirname + '/' + ${fromDist(dirname(path))})`)
        .replaceAll('import.meta.url', `new URL(${fromDist(path)}, import.meta.url).href`);
      return { contents, loader: 'ts' };
    });
  },
};

const optionsOf = (scripts: readonly string[]): BuildOptions => ({
  entryPoints: Object.fromEntries(scripts.map((script) => [nameOf(script), script])),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // Errors are told by their class.
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  plugins: [sourcePlaces],
});

export function nameOf(script: string): string {
  return script.replace(/\.ts$/, '').replaceAll('/', '.');
}

/**
 * Makes the files of all programs in `dist/` where they are missing or older than their sources. Builds at the same time
 * do not disturb each other or a program that starts. Resolves with the absolute path of the one. Rejects with esbuild's errors.
 */
export async function buildProgram(program: Program): Promise<string> {
  await buildAll('programs', PROGRAMS);
  return fileOf(program);
}

/** The same for any TypeScript file of the checkout, which may start fences. */
export async function buildScript(script: string): Promise<string> {
  await buildAll('programs', PROGRAMS);
  if (!PROGRAMS.some((program) => program === script)) await buildAll(nameOf(script), [script]);
  return fileOf(script);
}

function buildAll(name: string, scripts: readonly string[]): Promise<void> {
  return buildKept({ name, options: optionsOf(scripts), plugins: ['commands/start/build-programs.ts'] });
}

function fileOf(script: string): string {
  return join(ROOT, 'dist', `${nameOf(script)}.mjs`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const program of PROGRAMS) console.log(await buildProgram(program));
}
