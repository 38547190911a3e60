/**
 * A terminal for a command, without a native module: util-linux `script` makes one, or busybox `telnetd`, whichever is
 * there. A small script inside of it sets the size, notes which terminal it is, runs the command and notes its exit code.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TerminalSize } from '../../../domain/agent/streams/requests.ts';
import { memoryDir } from '../assignment/startup-script.ts';

export interface Terminal {
  resize: (size: TerminalSize) => void;
  /** What its program reads as these bytes. */
  input: (bytes: Uint8Array) => Uint8Array;
  /** What its program printed, in what came of it. */
  output: (chunk: Uint8Array) => Uint8Array;
  /** Null while the command runs, and where a signal ended it. */
  exitCode: () => number | null;
  /** The session of its programs, which have groups of their own; null before it began. */
  session: () => number | null;
  remove: () => void;
}

interface TerminalOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  detached: true;
}

/** @throws with the code `ERR_TTY_UNAVAILABLE` where nothing makes terminals. */
export function startInTerminal(
  command: readonly string[],
  size: TerminalSize,
  options: TerminalOptions,
): { child: ChildProcess; terminal: Terminal } {
  const maker = terminalMaker(options.env['PATH'] ?? '');
  const dir = mkdtempSync(join(memoryDir(), 'ephemera-tty-'));
  const file = (name: string): string => join(dir, name);
  const text = insideScript(command, size, file);
  writeFileSync(file('run'), text, { mode: 0o700 });
  const [program, ...args] = maker.command(file('run'));
  const child = spawn(program, args, { ...options, stdio: 'pipe' });
  return {
    child,
    terminal: {
      resize: (to) => resizeTerminal(file('tty'), to, options.env),
      input: maker.isTelnet ? telnetInput : (bytes) => bytes,
      output: maker.isTelnet ? telnetOutput() : (chunk) => chunk,
      exitCode: () => numberIn(file('code')),
      session: () => numberIn(file('session')),
      remove: () => rmSync(dir, { recursive: true, force: true }),
    },
  };
}

interface Maker {
  command: (script: string) => [string, ...string[]];
  isTelnet: boolean;
}

function terminalMaker(path: string): Maker {
  const script = process.platform === 'linux' ? onPath(path, 'script') : undefined;
  if (script !== undefined) {
    return {
      command: (file) => [script, '-q', '-e', '-f', '-c', `/bin/sh ${quoted(file)}`, '/dev/null'],
      isTelnet: false,
    };
  }
  const telnetd = onPath(path, 'telnetd');
  if (telnetd !== undefined && isBusybox(telnetd)) {
    return { command: (file) => [telnetd, '-i', '-f', '/dev/null', '-l', file], isTelnet: true };
  }
  const message = 'Nothing in the VM makes terminals: its image needs script (of util-linux) or busybox with telnetd';
  throw Object.assign(new Error(message), { code: 'ERR_TTY_UNAVAILABLE' });
}

function onPath(path: string, program: string): string | undefined {
  return path
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Another telnetd would ask for a password. */
function isBusybox(program: string): boolean {
  const { stdout, stderr } = spawnSync(program, ['--help'], { encoding: 'utf8', timeout: 5000 });
  return `${stdout}${stderr}`.includes('BusyBox');
}

function insideScript(
  command: readonly string[],
  { rows, columns }: TerminalSize,
  file: (name: string) => string,
): string {
  return [
    '#!/bin/sh',
    `stty rows ${rows} cols ${columns} 2>/dev/null`,
    `tty >${quoted(file('tty'))}`,
    // Without programs that an image may not have; the shell's name has no blank.
    `read -r _ _ _ _ _ session _ </proc/$$/stat && echo "$session" >${quoted(file('session'))}`,
    // Handlers, unlike what is ignored, do not come to the command.
    'trap : INT QUIT',
    command.map(quoted).join(' '),
    `echo $? >${quoted(file('code'))}`,
    '',
  ].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The kernel tells the programs of the terminal. */
function resizeTerminal(ttyFile: string, { rows, columns }: TerminalSize, env: NodeJS.ProcessEnv): void {
  let tty: number;
  try {
    const path = readFileSync(ttyFile, 'utf8').trim();
    if (!/^\/dev\/[a-z0-9/]+$/.test(path)) return;
    tty = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  } catch {
    return;
  }
  const args = ['rows', String(rows), 'cols', String(columns)];
  const child = spawn('stty', args, { stdio: [tty, 'ignore', 'ignore'], env });
  child.on('error', () => undefined);
  closeSync(tty);
}

function numberIn(path: string): number | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^\d{1,10}$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

const IAC = 0xff;
const CR = 0x0d;

/** As a telnet server reads it: 255 is doubled, and a return is one only with a zero behind it. */
export function telnetInput(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (const byte of bytes) {
    out.push(byte);
    if (byte === IAC) out.push(IAC);
    if (byte === CR) out.push(0);
  }
  return Uint8Array.from(out);
}

/** Leaves out what a telnet server says of itself; chunks may end anywhere. */
export function telnetOutput(): (chunk: Uint8Array) => Uint8Array {
  let state: 'data' | 'iac' | 'option' = 'data';
  return (chunk) => {
    const out: number[] = [];
    for (const byte of chunk) {
      if (state === 'option') state = 'data';
      else if (state === 'iac') {
        state = byte >= 251 && byte <= 254 ? 'option' : 'data';
        if (byte === IAC) out.push(IAC);
      } else if (byte === IAC) state = 'iac';
      else out.push(byte);
    }
    return Uint8Array.from(out);
  };
}
