import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ScriptEnd } from '../../../domain/agent/assignment.ts';
import type { Log } from '../../log.ts';

/** What a startup script may print; the rest is left out, so that it never fills a disk. */
export const SCRIPT_OUTPUT_LIMIT_BYTES = 256 * 1024;

const MEMORY_DIR = '/dev/shm';

export interface StartupScript {
  text: string;
  timeoutSeconds: number;
  log: Log;
  /** Takes the script's output. */
  print: (output: Buffer) => void;
}

/**
 * Runs a startup script with the environment of this process and resolves with how it ended. It is read from a file of
 * mode 0600, in memory where the system has such a place, which is removed at its end: a command line is seen by
 * everybody, and standard input is left to the script. What it started in the background may go on, and print.
 */
export function runStartupScript({ text, timeoutSeconds, log, print }: StartupScript): Promise<ScriptEnd> {
  const dir = mkdtempSync(join(memoryDir(), 'ephemera-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  process.once('exit', remove);
  const file = join(dir, 'startup-script');
  writeFileSync(file, text, { mode: 0o600 });
  const [interpreter, ...more] = interpreterOf(text);
  return new Promise<ScriptEnd>((resolve) => {
    let timedOut = false;
    const child = spawn(interpreter, [...more, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutSeconds * 1000);
    copyOutput(child, print, log);
    child.once('error', (error) => {
      clearTimeout(timer);
      log(`The startup script could not be started: ${error.message}.`);
      resolve({ cause: 'unstartable', exitCode: null });
    });
    child.once('exit', (exitCode) => {
      clearTimeout(timer);
      if (exitCode !== null) resolve({ cause: 'exited', exitCode });
      else resolve({ cause: timedOut ? 'timedOut' : 'killed', exitCode: null });
    });
  }).finally(() => {
    process.off('exit', remove);
    remove();
  });
}

/** The program of the `#!` line with its one argument, as the kernel would start it; without one, the shell. */
export function interpreterOf(text: string): [program: string, ...argument: string[]] {
  const [, program, argument] = /^#![ \t]*(\S+)(?:[ \t]+([^\r\n]*[^\s]))?[ \t\r]*(?:\n|$)/.exec(text) ?? [];
  if (program === undefined) return ['/bin/sh'];
  return argument === undefined ? [program] : [program, argument];
}

/** Where what is written is on no disk, if there is such a place. */
export function memoryDir(): string {
  try {
    accessSync(MEMORY_DIR, constants.W_OK | constants.X_OK);
    return MEMORY_DIR;
  } catch {
    return tmpdir();
  }
}

/** Reads on past the limit: whoever prints must not be stopped by a full pipe. */
function copyOutput(child: ChildProcess, print: (output: Buffer) => void, log: Log): void {
  let left = SCRIPT_OUTPUT_LIMIT_BYTES;
  const copy = (stream: Readable | null): void => {
    stream?.on('data', (chunk: Buffer) => {
      if (left <= 0) return;
      print(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) log(`The startup script printed ${SCRIPT_OUTPUT_LIMIT_BYTES} bytes: the rest is left out.`);
    });
    stream?.on('error', () => undefined);
  };
  copy(child.stdout);
  copy(child.stderr);
}
