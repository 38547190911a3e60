/** Builds vm-server into one file that runs anywhere with Node alone. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, version as esbuildVersion, type BuildOptions } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(ROOT, 'dist', 'vm-server.cjs');
const MANIFEST = join(ROOT, 'dist', 'vm-server.inputs.json');

const OPTIONS = {
  absWorkingDir: ROOT,
  entryPoints: ['vm-server/main.ts'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  loader: { '.html': 'text', '.css': 'text', '.page.js': 'text' },
  // ws would look for native modules beside the program; it works without them.
  define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
  legalComments: 'none',
  logLevel: 'silent',
  metafile: true,
  write: false,
} as const satisfies BuildOptions;

/** Of what the last build was made: its options, and the content hashes of inputs and output. */
interface Manifest {
  options: string;
  inputs: Record<string, string>;
  output: string;
}

/**
 * Makes `dist/vm-server.cjs` where it is missing or older than its sources, and resolves with its absolute
 * path. Builds at the same time do not disturb each other or a program that reads the file. Rejects with
 * esbuild's errors.
 */
export async function buildVmServer(): Promise<string> {
  if (await isUpToDate()) return OUTPUT;
  const startedAt = Date.now();
  const { outputFiles, metafile } = await build(OPTIONS);
  const [program] = outputFiles;
  if (!program) throw new Error('esbuild made no output for vm-server/main.ts');
  const inputs: Record<string, string> = {};
  for (const path of Object.keys(metafile.inputs).sort()) {
    // What was saved while this build ran may not be in it: an empty hash makes the next call build again.
    inputs[path] = (await stat(join(ROOT, path))).mtimeMs < startedAt ? await hashOfFile(path) : '';
  }
  const manifest: Manifest = { options: optionsText(), inputs, output: hash(program.contents) };
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  await replaceFile(OUTPUT, program.contents);
  await replaceFile(MANIFEST, JSON.stringify(manifest, null, 2));
  return OUTPUT;
}

async function isUpToDate(): Promise<boolean> {
  try {
    const manifest = JSON.parse(await readFile(MANIFEST, 'utf8')) as Manifest;
    if (manifest.options !== optionsText() || manifest.output !== (await hashOfFile(OUTPUT))) return false;
    for (const [path, before] of Object.entries(manifest.inputs)) {
      if ((await hashOfFile(path)) !== before) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function optionsText(): string {
  return JSON.stringify([esbuildVersion, { ...OPTIONS, absWorkingDir: '' }]);
}

async function hashOfFile(path: string): Promise<string> {
  return hash(await readFile(path.startsWith('/') ? path : join(ROOT, path)));
}

function hash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await buildVmServer());
}
