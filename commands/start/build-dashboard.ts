/** Builds the dashboard of web/ into dist/web/, which the API serves. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type * as reactPlugin from '@vitejs/plugin-react';
import type * as vitePackage from 'vite';
import { replaceFile } from '../../lib/files/atomic-file.ts';
import { IS_CHECKOUT } from '../../lib/processes/checkout.ts';
import { holdLock } from '../../lib/processes/process-lock.ts';
import { ROOT } from './kept-build.ts';

const OUTPUT = join(ROOT, 'dist', 'web');
const PAGE = join(OUTPUT, 'index.html');
/** What dist/web was made of. */
const STAMP = join(ROOT, 'dist', 'web.inputs');
const SOURCES = ['web', 'client', 'package-lock.json', 'commands/start/build-dashboard.ts'];
/** Browsers of the last two years: their colours follow the scheme by themselves (`light-dark`). */
const TARGETS = { target: 'es2022', cssTarget: ['chrome125', 'edge125', 'firefox128', 'safari17.5'] };
const READABLE = 0o644;
const ENTERABLE = 0o755;
const LOCK_POLL_MS = 100;

/** Where the built dashboard is, or why there is none. */
export type BuiltDashboard = { directory: string } | { missing: string };

/**
 * Makes `dist/web` where it is missing or older than its sources; an older one is served until the new one is whole. Without
 * the bundler, which is a package for developers, it says so. Rejects with the errors of the bundler.
 */
export async function buildDashboard(): Promise<BuiltDashboard> {
  // Whoever has no sources has what was made of them.
  if (!existsSync(join(ROOT, 'web'))) return existsSync(PAGE) ? { directory: OUTPUT } : { missing: 'there is no web/' };
  const digest = await digestOfSources();
  if (await isBuiltFrom(digest)) return { directory: OUTPUT };
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  const unlock = await holdLock(`${STAMP}.lock`, { pollMs: LOCK_POLL_MS });
  try {
    if (await isBuiltFrom(digest)) return { directory: OUTPUT };
    const bundler = await loadBundler();
    if (bundler === undefined) return { missing: 'the packages for development are not installed (npm ci)' };
    // Under the lock, so what is there was left by one that was killed; a full disk must not fill up with what failed.
    const made = `${OUTPUT}.made`;
    try {
      await bundle(bundler, made);
      await rm(OUTPUT, { recursive: true, force: true });
      await rename(made, OUTPUT);
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    await replaceFile(STAMP, digest, READABLE);
    return { directory: OUTPUT };
  } finally {
    await unlock();
  }
}

/**
 * The same in a process of its own: what a bundler loads is nothing to keep for as long as Ephemera runs. Never rejects: the API
 * works without its pages, and says what is missing. Resolves with where they are, or why they are not.
 */
export async function keepDashboardBuilt(): Promise<string> {
  if (!IS_CHECKOUT) return OUTPUT;
  try {
    const script = fileURLToPath(import.meta.url);
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { cwd: ROOT });
    return stdout.trim();
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    return `not built: ${said.slice(-500)}`;
  }
}

interface Bundler {
  vite: typeof vitePackage;
  react: typeof reactPlugin;
}

async function loadBundler(): Promise<Bundler | undefined> {
  try {
    return { vite: await import('vite'), react: await import('@vitejs/plugin-react') };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function bundle({ vite, react }: Bundler, outDir: string): Promise<void> {
  // What the shell says of it is about other programs, and would put React's checks and our file names into the page.
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production';
  await vite.build({
    root: join(ROOT, 'web'),
    configFile: false,
    base: '/dashboard/',
    logLevel: 'error',
    plugins: [react.default()],
    // The policy of the page lets in no data: but pictures, and no script but files.
    build: { outDir, emptyOutDir: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 2000, ...TARGETS },
  });
  if (NODE_ENV === undefined) delete process.env['NODE_ENV'];
  else process.env['NODE_ENV'] = NODE_ENV;
  // `npm start` runs with a umask that keeps others out of its state; who serves the files may be another user.
  for (const entry of [outDir, ...(await filesBelow(outDir))]) {
    await chmod(entry, (await stat(entry)).isDirectory() ? ENTERABLE : READABLE);
  }
  await chmod(join(outDir, 'assets'), ENTERABLE);
}

async function isBuiltFrom(digest: string): Promise<boolean> {
  const [stamp, page] = await Promise.all([
    readFile(STAMP, 'utf8').catch(() => undefined),
    stat(PAGE).catch(() => undefined),
  ]);
  return stamp === digest && page !== undefined;
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    const path = join(ROOT, source);
    const isDirectory = (await stat(path)).isDirectory();
    for (const file of isDirectory ? await filesBelow(path) : [path]) {
      hash.update(`${file.slice(ROOT.length)}\0`).update(await readFile(file));
    }
  }
  return hash.digest('hex');
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const built = await buildDashboard();
  console.log('directory' in built ? built.directory : `not built: ${built.missing}`);
}
