/** What scripts tell the person in front of them: one line a step, colour only on a terminal. */
import { styleText } from 'node:util';

const PROGRESS_INTERVAL_MS = 10_000;

/** The text in a colour where that can be seen: on a terminal, unless NO_COLOR is set. */
export function coloured(text: string, colour: 'green' | 'red' | 'yellow' | 'bold' | 'dim'): string {
  const wanted = process.stdout.isTTY && !process.env['NO_COLOR'];
  return wanted ? styleText(colour, text, { validateStream: false }) : text;
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A warning: something to know that stops nothing. */
export function warn(text: string): void {
  say(`${coloured('!', 'yellow')} ${text}`);
}

/** `1.2 s`, `4 min 30 s` */
export function duration(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** How a step tells about itself. */
export interface StepReport {
  /** What it found out, shown on its line. */
  note: (text: string) => void;
  /** What it is doing now, shown while it takes long. */
  doing: (text: string) => void;
}

/** Does one step and says so with its time; a long one says every 10 seconds that it goes on. */
export async function step<Result>(
  name: string,
  work: (report: StepReport) => Promise<Result> | Result,
): Promise<Result> {
  const startedAt = Date.now();
  let noted = '';
  let doing = 'still at it';
  const progress = setInterval(() => {
    say(`${coloured('…', 'dim')} ${name}: ${doing} (${duration(Date.now() - startedAt)})`);
  }, PROGRESS_INTERVAL_MS);
  try {
    const result = await work({
      note: (text) => {
        noted = `: ${text}`;
      },
      doing: (text) => {
        doing = text;
      },
    });
    say(`${coloured('✓', 'green')} ${name}${noted} ${coloured(`(${duration(Date.now() - startedAt)})`, 'dim')}`);
    return result;
  } catch (error) {
    say(`${coloured('✗', 'red')} ${name}${noted} ${coloured(`(${duration(Date.now() - startedAt)})`, 'dim')}`);
    throw error;
  } finally {
    clearInterval(progress);
  }
}

/** A mistake with a message for people: scripts print it without a stack and exit 1. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

/** Runs a script's main function; a {@link ScriptError} is printed as it is, anything else with its stack. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  endWithLauncher();
  goOnWithoutReader();
  try {
    await main();
  } catch (error) {
    const text = error instanceof ScriptError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${coloured('✗', 'red')} ${text ?? ''}\n`);
    process.exitCode = 1;
  }
}

/** A launcher that is gone, even by kill -9, can pass no signal on any more: its end counts as a SIGTERM. */
function endWithLauncher(): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

/** A closed terminal or a pipe without a reader must not end a script in the middle of stopping its processes. */
function goOnWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
