/** What `npm start` writes down while it runs, for others who want to use it. */
import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import { identify, isAlive, type ProcessIdentity } from '../../lib/processes/process-identity.ts';

const identitySchema = z.object({ pid: z.int(), startedAt: z.string() });

const runFileSchema = z.object({
  apiUrl: z.string(),
  temporalAddress: z.string(),
  temporalNamespace: z.string().optional(),
  temporalUiUrl: z.string().nullable(),
  /** Of the API and of the worker, for Prometheus. */
  metricsUrls: z.array(z.string()),
  keyFile: z.string(),
  pids: z.record(z.string(), z.int()),
  /** The `npm start` that wrote this. */
  startedBy: identitySchema,
});

export type RunFile = z.output<typeof runFileSchema>;

const processesSchema = z.record(z.string(), identitySchema);

const LEFTOVER_GRACE_MS = 5000;
const POLL_MS = 50;

export function runFilePath(stateDir: string): string {
  return join(stateDir, 'run.json');
}

export function writeRunFile(stateDir: string, run: RunFile): void {
  replacePrivateFile(runFilePath(stateDir), `${JSON.stringify(run, null, 2)}\n`);
}

export function removeRunFile(stateDir: string): void {
  rmSync(runFilePath(stateDir), { force: true });
}

/** What runs on this state directory, or undefined when nothing does: a file left by a crash does not count. */
export async function readLiveRunFile(stateDir: string): Promise<RunFile | undefined> {
  const run = runFileSchema.safeParse(readJson(runFilePath(stateDir))).data;
  return run !== undefined && (await isAlive(run.startedBy)) ? run : undefined;
}

/**
 * The file with the key of what runs, where it is one of the state directory. A run.json that came with somebody's files may name
 * any file, and any address for what is in it.
 */
export function keyFileOf(stateDir: string, { keyFile }: Pick<RunFile, 'keyFile'>): string | undefined {
  try {
    return dirname(realpathSync(keyFile)) === realpathSync(stateDir) ? keyFile : undefined;
  } catch {
    return undefined;
  }
}

/** Notes which child processes run, so that a start after a crash can end those that were left. */
export async function writeProcesses(stateDir: string, pids: Record<string, number>): Promise<void> {
  const found = await Promise.all(
    Object.entries(pids).map(async ([name, pid]) => [name, await identify(pid)] as const),
  );
  const known = Object.fromEntries(found.filter(([, identity]) => identity !== undefined));
  replacePrivateFile(processesPath(stateDir), `${JSON.stringify(known, null, 2)}\n`);
}

/** Ends child processes that a crashed start left behind; resolves with their names. Machines are not among them. */
export async function endLeftovers(stateDir: string): Promise<string[]> {
  const noted = processesSchema.safeParse(readJson(processesPath(stateDir))).data ?? {};
  const ended: string[] = [];
  for (const [name, identity] of Object.entries(noted)) {
    if (!(await isAlive(identity))) continue;
    await endProcess(identity);
    ended.push(`${name} (${identity.pid})`);
  }
  rmSync(processesPath(stateDir), { force: true });
  return ended;
}

async function endProcess(identity: ProcessIdentity): Promise<void> {
  process.kill(identity.pid, 'SIGTERM');
  const until = Date.now() + LEFTOVER_GRACE_MS;
  while (await isAlive(identity)) {
    if (Date.now() > until) process.kill(identity.pid, 'SIGKILL');
    await sleep(POLL_MS);
  }
}

function processesPath(stateDir: string): string {
  return join(stateDir, 'processes.json');
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
