/** Builds vm-server into one file that runs anywhere with Node alone. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { buildKept, ROOT } from './kept-build.ts';

const OUTPUT = 'dist/vm-server.cjs';

const OPTIONS = {
  entryPoints: ['vm-server/main.ts'],
  outfile: OUTPUT,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  loader: { '.html': 'text', '.css': 'text', '.page.js': 'text' },
  // ws would look for native modules beside the program; it works without them.
  define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
  legalComments: 'none',
} as const satisfies BuildOptions;

/**
 * Makes `dist/vm-server.cjs` where it is missing or older than its sources, and resolves with its absolute
 * path. Builds at the same time do not disturb each other or a program that reads the file. Rejects with
 * esbuild's errors.
 */
export async function buildVmServer(): Promise<string> {
  await buildKept({ name: 'vm-server', options: OPTIONS });
  return join(ROOT, OUTPUT);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await buildVmServer());
}
