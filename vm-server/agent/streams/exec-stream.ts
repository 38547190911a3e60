import { spawn, type ChildProcess } from 'node:child_process';
import type { Accept, Stream, StreamListener } from '../../../domain/agent/streams/mux.ts';
import { CHANNEL, parseTerminalSize, type ExecRequest, type ExitNote } from '../../../domain/agent/streams/requests.ts';
import { begunIn } from './begin.ts';
import { pumpIn, pumpOut } from './pump.ts';
import type { StreamPlace } from './stream-place.ts';
import { killSession } from './session.ts';
import { startInTerminal, type Terminal } from './terminal.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What a command left in the background may hold its output open: nobody waits for that. */
const LEFT_OPEN_MS = 500;
/** Between the polite signal and the one that cannot be refused. */
const KILL_AFTER_MS = 2000;
const END_OF_INPUT = Buffer.from([4]);

interface Running {
  child: ChildProcess;
  terminal: Terminal | null;
}

/** Runs a command with the environment of the app, and tells how it ended. It does not outlive its stream. */
export function openExec(request: ExecRequest, { stream, agree }: Accept, place: StreamPlace): StreamListener {
  let running: Running;
  try {
    running = start(request, place);
  } catch (error) {
    // Not before the stream has its listener.
    queueMicrotask(() => stream.reset(failure(request, error as NodeJS.ErrnoException)));
    return { data: (bytes) => stream.consumed(bytes.length), end: () => undefined, closed: () => undefined };
  }
  const { child, terminal } = running;
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  child.once('error', (error: NodeJS.ErrnoException) => stream.reset(failure(request, error)));
  child.once('spawn', () => {
    if (request.timeoutSeconds !== undefined) {
      timer = setTimeout(() => {
        timedOut = true;
        signal(child, 'SIGKILL');
      }, request.timeoutSeconds * 1000);
    }
    // A child that reads nothing any more ends what is sent to it, and nothing else.
    child.stdin?.on('error', () => undefined);
    tellEnd(running, stream, (exitCode, by) => {
      clearTimeout(timer);
      const code = terminal === null ? exitCode : (terminal.exitCode() ?? exitCode);
      terminal?.remove();
      const note: ExitNote = { type: 'exit', exitCode: code };
      return { ...note, ...(by === null || code !== null ? {} : { signal: by }), ...(timedOut ? { timedOut } : {}) };
    });
    void begunIn(child).then((failed) => (failed === null ? agree() : stream.reset(failed)));
  });
  return {
    data: (bytes, channel) => {
      if (channel === CHANNEL.note) {
        stream.consumed(bytes.length);
        resize(terminal, bytes);
      } else pumpIn(terminal?.input(bytes) ?? bytes, child.stdin, counting(stream, bytes.length));
    },
    end: () => {
      if (terminal === null) child.stdin?.end();
      else child.stdin?.write(END_OF_INPUT);
    },
    closed: (end) => {
      clearTimeout(timer);
      if (end !== null) endProcess(child, terminal?.session() ?? null);
      terminal?.remove();
    },
  };
}

/** What a terminal makes of bytes may be longer than they were. */
function counting(stream: Stream, bytes: number): Stream {
  return { ...stream, consumed: () => stream.consumed(bytes) };
}

function start(request: ExecRequest, place: StreamPlace): Running {
  const { command, env, cwd = place.directory, tty } = request;
  if (place.inner !== undefined) {
    const inner = place.inner.command(request);
    const options = { cwd: '/', env: { PATH: DEFAULT_PATH }, detached: true } as const;
    if (tty !== undefined) return startInTerminal(inner, tty, options);
    const [starter, ...words] = inner;
    return { child: spawn(starter, words, { ...options, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] }), terminal: null };
  }
  const [program = '', ...more] = command;
  const whole = {
    PATH: DEFAULT_PATH,
    ...process.env,
    ...(tty === undefined ? {} : { TERM: 'xterm-256color' }),
    ...env,
  };
  const options = { cwd, env: whole, detached: true } as const;
  if (tty === undefined) return { child: spawn(program, more, { ...options, stdio: 'pipe' }), terminal: null };
  return startInTerminal(command, tty, options);
}

function failure({ command, cwd }: ExecRequest, error: NodeJS.ErrnoException) {
  if (error.code === 'ERR_TTY_UNAVAILABLE') return { code: 'ttyUnavailable', detail: error.message } as const;
  const what = cwd === undefined ? '' : `, or the directory ${cwd} is not there`;
  const why = error.code === 'ENOENT' ? `there is no such program${what}` : (error.code ?? error.message);
  return { code: 'execFailed', detail: `${(command[0] ?? '').slice(0, 200)} cannot be started: ${why}` } as const;
}

function tellEnd(
  { child, terminal }: Running,
  stream: Stream,
  noteOf: (exitCode: number | null, signal: NodeJS.Signals | null) => ExitNote,
): void {
  let moved = 0;
  let exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  let isTold = false;
  const tell = (): void => {
    if (isTold) return;
    isTold = true;
    clearInterval(look);
    child.stdout?.destroy();
    child.stderr?.destroy();
    const note = Buffer.from(JSON.stringify(noteOf(exit?.code ?? null, exit?.signal ?? null)));
    stream.write(note, CHANNEL.note, () => undefined);
    stream.end();
  };
  let look: NodeJS.Timeout | undefined;
  let under = 0;
  for (const [from, channel] of [[child.stdout, CHANNEL.data] as const, [child.stderr, CHANNEL.stderr] as const]) {
    if (from === null) continue;
    from.on('data', () => (under += 1));
    pumpOut(from, stream, channel, {
      ...(terminal === null ? {} : { map: terminal.output }),
      onTaken: () => {
        under -= 1;
        moved += 1;
      },
    });
  }
  child.once('exit', (code, signal) => {
    exit = { code, signal };
    let before = -1;
    look = setInterval(() => {
      // Output that waits for its reader is no output that never comes.
      if (under === 0 && moved === before) tell();
      before = moved;
    }, LEFT_OPEN_MS);
  });
  child.once('close', tell);
}

function resize(terminal: Terminal | null, bytes: Uint8Array): void {
  let note: unknown;
  try {
    note = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return;
  }
  const size = parseTerminalSize(note);
  if (size !== undefined) terminal?.resize(size);
}

/** `session`: of a terminal, whose programs have groups of their own and may not mind that it hangs up. */
function endProcess(child: ChildProcess, session: number | null): void {
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  signal(child, 'SIGHUP');
  setTimeout(() => {
    signal(child, 'SIGKILL');
    if (session !== null) killSession(session);
  }, KILL_AFTER_MS).unref();
}

/** To the command and what it started, unless that left its group. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // It ended by itself.
  }
}
