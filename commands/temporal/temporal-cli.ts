/** Finds the Temporal CLI, which holds the dev server; downloads or builds it where there is none. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { CODE_ROOT, IS_CHECKOUT } from '../../lib/processes/checkout.ts';
import { holdLock } from '../../lib/processes/process-lock.ts';
import { ScriptError, say, type StepReport } from '../terminal/terminal.ts';

const run = promisify(execFile);

/** The newest official CLI that `go install` can build: later tags carry a `replace`. */
const CLI_VERSION = '1.5.1';
const CLI_PACKAGE = `github.com/temporalio/cli/cmd/temporal@v${CLI_VERSION}`;
const DOWNLOAD_DEADLINE_MS = 180_000;

/** Directory for what is fetched or built once for all checkouts of this user. */
export function cacheDirectory(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ephemera');
}

/**
 * Path of a Temporal CLI that runs: the one that was set, one on PATH or in the cache, else a fresh one.
 * @throws ScriptError that says how to get one.
 */
export async function findOrGetTemporalCli(setPath: string | null, report: StepReport): Promise<string> {
  if (setPath !== null) {
    const version = await versionOf(setPath);
    if (version === undefined) {
      throw new ScriptError(`EPHEMERA_TEMPORAL_CLI: ${setPath} does not run as a Temporal CLI; correct or unset it`);
    }
    report.note(version);
    return setPath;
  }
  for (const path of [...(await onPath('temporal')), cachedCli(), ...(await downloadedClis())]) {
    const version = await versionOf(path);
    if (version === undefined) continue;
    report.note(`${path}, ${version}`);
    return path;
  }
  return getTemporalCli(report);
}

function cachedCli(): string {
  return join(cacheDirectory(), 'bin', `temporal-${CLI_VERSION}`);
}

function downloadDirectory(): string {
  return join(cacheDirectory(), 'downloads');
}

async function getTemporalCli(report: StepReport): Promise<string> {
  await mkdir(cacheDirectory(), { recursive: true });
  const unlock = await holdLock(join(cacheDirectory(), 'temporal-cli.lock'), {
    onWait: ({ pid }) => say(`  Temporal CLI: process ${pid} is getting it, waiting`),
  });
  try {
    if ((await versionOf(cachedCli())) !== undefined) return cachedCli();
    return (await download()) ?? (await build(report));
  } finally {
    await unlock();
  }
}

/** The Temporal SDK fetches the CLI by itself where the network lets it. */
async function download(): Promise<string | undefined> {
  // The part of the SDK that does it is for tests, and in no package.
  if (!IS_CHECKOUT) return undefined;
  say('  Temporal CLI: none here, trying the download of the Temporal SDK');
  const directory = downloadDirectory();
  await mkdir(directory, { recursive: true });
  const script = join(import.meta.dirname, 'download-temporal-cli.ts');
  try {
    await run(process.execPath, ['--import', 'tsx', script, directory], {
      timeout: DOWNLOAD_DEADLINE_MS,
      cwd: CODE_ROOT,
    });
  } catch {
    say('  Temporal CLI: the download is not possible here');
    return undefined;
  }
  for (const path of await downloadedClis()) if ((await versionOf(path)) !== undefined) return path;
  return undefined;
}

async function downloadedClis(): Promise<string[]> {
  const names = await readdir(downloadDirectory()).catch(() => []);
  return names.filter((name) => name.startsWith('temporal')).map((name) => join(downloadDirectory(), name));
}

/** Builds the pinned official CLI with Go; about five minutes on two cores, once. */
async function build({ doing }: StepReport): Promise<string> {
  const go = [...(await onPath('go')), '/usr/local/go/bin/go'].at(0);
  if (go === undefined || !(await isExecutable(go))) {
    throw new ScriptError(
      'There is no Temporal CLI on this machine, and it can neither be downloaded nor built (no Go). Do one of:\n' +
        '  - install it: https://docs.temporal.io/cli (then `temporal` is on PATH)\n' +
        '  - set EPHEMERA_TEMPORAL_CLI to its path\n' +
        '  - install Go (https://go.dev/dl) and start again: it is built then\n' +
        '  - set TEMPORAL_ADDRESS to a Temporal server that runs already',
    );
  }
  say(`  Temporal CLI: building ${CLI_PACKAGE} with Go; about 5 minutes on 2 cores, once`);
  const directory = join(cacheDirectory(), `build-${process.pid}`);
  const child = spawn(go, ['install', '-v', CLI_PACKAGE], {
    env: { ...process.env, GOBIN: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const endWithUs = (): boolean => child.kill();
  process.once('exit', endWithUs);
  const lines: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lines.push(...text.split('\n').filter(Boolean));
    doing(`building, ${lines.length} packages so far, now ${lines.at(-1) ?? ''}`);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('exit', endWithUs);
  if (code !== 0) {
    await rm(directory, { recursive: true, force: true });
    throw new ScriptError(`The Temporal CLI could not be built with ${go}:\n  ${lines.slice(-10).join('\n  ')}`);
  }
  await mkdir(join(cacheDirectory(), 'bin'), { recursive: true });
  await rename(join(directory, 'temporal'), cachedCli());
  await rm(directory, { recursive: true, force: true });
  return cachedCli();
}

async function versionOf(path: string): Promise<string | undefined> {
  if (!(await isExecutable(path))) return undefined;
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    return /temporal version \S+ \(Server ([\d.]+)/.exec(stdout)?.[1]?.replace(/^/, 'server ');
  } catch {
    return undefined;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function onPath(program: string): Promise<string[]> {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  const paths = directories.map((directory) => join(directory, program));
  const found = await Promise.all(paths.map(async (path) => ((await isExecutable(path)) ? [path] : [])));
  return found.flat();
}
