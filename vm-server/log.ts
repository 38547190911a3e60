import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { CONSOLE_LIMIT_BYTES } from '../domain/machine/local-machine.ts';

/** Writes one sentence with its time to the console. Never given secrets or values of the environment. */
export type Log = (sentence: string) => void;

const CAP_CHECK_INTERVAL_MS = 5000;

/** A log to standard output; with `consolePath`, the file that output goes to is kept under its limit. */
export function createLog(consolePath?: string): Log {
  let checkedAt = -Infinity;
  return (sentence) => {
    try {
      writeSync(1, `${new Date().toISOString()} ${sentence}\n`);
    } catch {
      // Nobody reads the output any more (the parent and its pipe are gone): the program goes on.
    }
    if (consolePath === undefined || Date.now() - checkedAt < CAP_CHECK_INTERVAL_MS) return;
    checkedAt = Date.now();
    capConsole(consolePath);
  };
}

/**
 * Cuts a console file that grew past `limitBytes` to its newer half, from the first whole line on. The file
 * stays the same one, since the output is open on it.
 */
export function capConsole(path: string, limitBytes: number = CONSOLE_LIMIT_BYTES): void {
  try {
    const newerHalf = readNewerHalf(path, limitBytes);
    if (newerHalf) replaceContent(path, newerHalf);
  } catch {
    // There is no console file when a person runs the machine in a terminal.
  }
}

/** In this order it is never empty for who reads it meanwhile. */
function replaceContent(path: string, content: Buffer): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, content, 0, content.length, 0);
    ftruncateSync(file, content.length);
  } finally {
    closeSync(file);
  }
}

function readNewerHalf(path: string, limitBytes: number): Buffer | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size <= limitBytes) return undefined;
    const half = Buffer.alloc(Math.floor(limitBytes / 2));
    const kept = half.subarray(0, readSync(file, half, 0, half.length, size - half.length));
    return kept.subarray(kept.indexOf('\n') + 1);
  } finally {
    closeSync(file);
  }
}
