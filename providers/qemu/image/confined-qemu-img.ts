/**
 * qemu-img on a disk that a guest has written. It gets open files and the names of no others, is of the guest's user where
 * root starts it, and neither its files, its memory nor its time grow without end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import type { CancelSignal } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { waitUntil } from '../../host/processes/waiting.ts';
import { QEMU_IMG } from './qemu-img.ts';

/** Its threads have much more than they use. */
const MEMORY_LIMIT_KB = 4 * 1024 ** 2;
/** Less than one try of the activity that waits for it. */
const TIMEOUT_MS = 800_000;
const MOST_OUTPUT_BYTES = 64 * 1024;
/** The first descriptor after the three that every program has. */
const FIRST_FD = 3;
/** The shell's word that a program may not be run, or is not there. */
const NOT_RUN = [126, 127] as const;
/** What a write past the limit fails with ends no program then. */
const WITH_LIMITS = `trap '' XFSZ; ulimit -f "$1" && ulimit -v "$2" || exit 1; shift 2; exec "$@"`;

export interface ConfinedRun {
  args: readonly string[];
  /** What it may open; {@link fileOf} names each by its place here. */
  files: readonly FileHandle[];
  /** User and group that it runs as; undefined: those of this process. */
  uid: number | undefined;
  /** How far a file that it writes may grow. */
  fileLimitBytes: number;
}

/** The name by which qemu-img finds the file of that place. */
export function fileOf(place: number): string {
  return `/proc/self/fd/${FIRST_FD + place}`;
}

/**
 * What it prints. An aborted signal ends it and rejects with its reason. Errors: `hypervisorMissing`; an error with the code
 * `ENOSPC` where the disk is full; else one with its own words.
 */
export async function confinedQemuImg(run: ConfinedRun, signal: CancelSignal): Promise<string> {
  const blocks = `${Math.ceil(run.fileLimitBytes / 512)}`;
  const script = ['-c', WITH_LIMITS, 'qemu-img', blocks, `${MEMORY_LIMIT_KB}`, QEMU_IMG, ...run.args];
  const child = spawn('/bin/sh', script, {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', MALLOC_ARENA_MAX: '1' },
    stdio: ['ignore', 'pipe', 'pipe', ...run.files.map(({ fd }) => fd)],
    ...(run.uid === undefined ? {} : { uid: run.uid, gid: run.uid }),
  });
  const [stdout, stderr] = [said(child.stdout), said(child.stderr)];
  const closed = once(child, 'close');
  let ended: unknown;
  void closed.then(
    () => (ended = 'closed'),
    (error: unknown) => (ended = error),
  );
  try {
    const inTime = await waitUntil(() => Promise.resolve(ended), TIMEOUT_MS, signal);
    if (inTime === undefined) throw new Error(`it did not end within ${TIMEOUT_MS / 1000} s`);
  } finally {
    child.kill('SIGKILL');
    await closed.catch(() => undefined);
  }
  if (ended !== 'closed') throw ended instanceof Error ? ended : new Error('it cannot be started');
  if (child.exitCode === 0) return stdout();
  if (NOT_RUN.some((code) => code === child.exitCode)) throw missing();
  const words = stderr().trim() || `it ended with ${child.exitCode ?? child.signalCode}`;
  throw Object.assign(new Error(words), words.includes('No space left') ? { code: 'ENOSPC' } : {});
}

function missing(): ProviderError {
  return new ProviderError(
    'hypervisorMissing',
    `${QEMU_IMG} is not on this host, or not for the users of guests, and images are made with it: install it (Debian and Ubuntu: apt-get install qemu-utils)`,
  );
}

/** The beginning of what a stream says; the rest is read and dropped, so that nobody waits to say it. */
function said(stream: NodeJS.ReadableStream | null | undefined): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    if (text.length < MOST_OUTPUT_BYTES) text += chunk.toString('utf8');
  });
  return () => text;
}
