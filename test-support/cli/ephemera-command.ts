/** The command line as people and scripts run it: piped, or on a pseudo-terminal. */
import { spawn, type ChildProcess } from 'node:child_process';
import { rm, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
/** As a checkout has it; {@link buildCommand} makes one that begins sooner. */
export const LAUNCHER = join(ROOT, 'commands/ephemera.mjs');
const DIST = join(ROOT, 'dist');
const NAME = `test-cli-${process.pid}`;
/** Beside package.json, as the command line of a package is. */
export const BUILT = join(DIST, `${NAME}.mjs`);
const PSEUDO_TERMINAL = join(import.meta.dirname, 'pseudo-terminal.py');

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env: Record<string, string>;
  cwd?: string;
  input?: string | Buffer;
  /** Default: {@link BUILT}. */
  program?: string;
}

/** Compiled, as in a package: a process of it begins in a fifth of the time. */
export async function buildCommand(): Promise<void> {
  await build({
    ...{ entryPoints: { [NAME]: join(ROOT, 'commands/cli.ts') }, outdir: DIST, outExtension: { '.js': '.mjs' } },
    ...{ bundle: true, splitting: true, chunkNames: `${NAME}-[hash]`, logLevel: 'warning' },
    ...{ platform: 'node', format: 'esm', packages: 'external' },
  });
}

export async function removeBuiltCommand(): Promise<void> {
  const names = (await readdir(DIST)).filter((name) => name.startsWith(NAME));
  await Promise.all(names.map((name) => rm(join(DIST, name), { force: true })));
}

/** Runs it to its end, piped. */
export async function runEphemera(args: readonly string[], options: RunOptions): Promise<Ran & { output: Buffer }> {
  const child = spawn(process.execPath, [options.program ?? BUILT, ...args], {
    cwd: options.cwd ?? ROOT,
    env: options.env,
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  const code = await ended(child);
  const output = Buffer.concat(stdout);
  return { code, output, stdout: output.toString(), stderr: Buffer.concat(stderr).toString() };
}

/** One that goes on until it is ended; what it printed so far can be waited for. */
export class RunningEphemera {
  private readonly child: ChildProcess;
  private readonly ended: Promise<number>;
  private shown = '';
  private readonly changed: (() => void)[] = [];

  /** With a size it has a terminal, and standard output and error are one. */
  constructor(args: readonly string[], { env, cwd, size }: RunOptions & { size?: { rows: number; columns: number } }) {
    const command = [process.execPath, BUILT, ...args];
    const [program, ...rest] =
      size === undefined ? command : ['python3', PSEUDO_TERMINAL, `${size.rows}`, `${size.columns}`, ...command];
    this.child = spawn(program!, rest, { cwd: cwd ?? ROOT, env: { TERM: 'xterm-256color', ...env } });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.shown += chunk.toString();
        for (const wake of this.changed.splice(0)) wake();
      });
    }
    this.child.stdin!.on('error', () => undefined);
    this.ended = ended(this.child);
  }

  get text(): string {
    return this.shown;
  }

  /** Without what moves the cursor and colours. */
  get plainText(): string {
    return this.shown.replaceAll(/\u001b\[[?\d;]*[A-Za-z]/g, '').replaceAll('\r', '');
  }

  type(text: string): void {
    this.child.stdin!.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async until(pattern: RegExp, timeoutMs = 30_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    while (!pattern.test(this.plainText)) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`never saw ${pattern}; it shows:\n${this.plainText.slice(-2000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 200));
        this.changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.plainText;
  }

  /** Its exit code. */
  end(): Promise<number> {
    return this.ended;
  }
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => (code === null ? reject(new Error(`ended by ${signal}`)) : resolve(code)));
  });
}
