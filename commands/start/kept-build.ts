/** What esbuild makes of a program, kept in `dist/` for as long as its sources stay as they are. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { BuildOptions, OutputFile } from 'esbuild';
import { replaceFile } from '../../lib/files/atomic-file.ts';
import { CODE_ROOT, IS_CHECKOUT } from '../../lib/processes/checkout.ts';

/** Who builds a container is not who runs it. */
const READABLE = 0o644;
const ENTERABLE = 0o755;

export const ROOT = CODE_ROOT;

/** The sources of a build: the options, and the content hashes of inputs and outputs by their paths in the checkout. */
interface Manifest {
  options: string;
  inputs: Record<string, string>;
  outputs: Record<string, string>;
}

export interface KeptBuild {
  /** Of its manifest, `dist/<name>.inputs.json`. */
  name: string;
  /** Outputs go to `dist/`. */
  options: BuildOptions;
  /** Sources of its plugins, by their paths in the checkout: they are no inputs, and make the outputs what they are. */
  plugins?: readonly string[];
}

/**
 * Builds where an output is missing or older than its sources. Builds at the same time do not disturb each other or a
 * program that reads an output. A package has the outputs, and nothing to build them from. Rejects with esbuild's errors.
 */
export async function buildKept({ name, options, plugins = [] }: KeptBuild): Promise<void> {
  if (!IS_CHECKOUT) return;
  const { build, version } = await import('esbuild');
  const manifestFile = join(ROOT, 'dist', `${name}.inputs.json`);
  const asked = optionsText(version, options);
  if (await isUpToDate(manifestFile, asked)) return;
  const startedAt = Date.now();
  const { outputFiles, metafile } = await build({
    ...options,
    absWorkingDir: ROOT,
    logLevel: 'silent',
    metafile: true,
    write: false,
  });
  const inputs = await hashesOf([...Object.keys(metafile.inputs), ...plugins], startedAt);
  const outputs: Record<string, string> = {};
  for (const file of outputFiles) {
    await write(file);
    outputs[relative(ROOT, file.path)] = hash(file.contents);
  }
  const manifest: Manifest = { options: asked, inputs, outputs };
  await replaceFile(manifestFile, JSON.stringify(manifest, null, 2), READABLE);
}

async function write({ path, contents }: OutputFile): Promise<void> {
  await makeReadableDirectory(dirname(path));
  await replaceFile(path, contents, READABLE);
}

/** `npm start` runs with a umask that keeps others out of its state. */
async function makeReadableDirectory(path: string): Promise<void> {
  if ((await mkdir(path, { recursive: true })) !== undefined) await chmod(path, ENTERABLE);
}

async function hashesOf(paths: string[], startedAt: number): Promise<Record<string, string>> {
  const inputs: Record<string, string> = {};
  for (const path of paths.sort()) {
    // What was saved while this build ran may not be in it: an empty hash makes the next call build again.
    inputs[path] = (await stat(join(ROOT, path))).mtimeMs < startedAt ? await hashOfFile(path) : '';
  }
  return inputs;
}

async function isUpToDate(manifestFile: string, asked: string): Promise<boolean> {
  try {
    const { options, inputs, outputs } = JSON.parse(await readFile(manifestFile, 'utf8')) as Manifest;
    if (options !== asked) return false;
    const files = Object.entries({ ...inputs, ...outputs });
    const same = files.map(async ([path, before]) => (await hashOfFile(path)) === before);
    return (await Promise.all(same)).every(Boolean);
  } catch {
    return false;
  }
}

function optionsText(esbuildVersion: string, options: BuildOptions): string {
  return JSON.stringify([esbuildVersion, READABLE, ENTERABLE, options]);
}

async function hashOfFile(path: string): Promise<string> {
  return hash(await readFile(path.startsWith('/') ? path : join(ROOT, path)));
}

function hash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
