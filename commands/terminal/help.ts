/** What `--help` says, in one form for every script. */
import { describeSettings } from '../../config/describe-settings.ts';

export interface Help {
  /** The command without its arguments: `npm run keys`. */
  command: string;
  /** What it does, one sentence. */
  about: string;
  /** What may follow the command, one line each; `''` is the command alone. */
  usage: readonly string[];
  /** Flags and arguments of its own: how it is written, and what it means with its default. */
  flags?: readonly (readonly [written: string, meaning: string])[];
  /** Whole command lines, each with what it does. */
  examples: readonly (readonly [line: string, what: string])[];
  /** `all` lists every setting; `some` says that flags of settings are taken too. */
  settings?: 'all' | 'some';
}

const SETTINGS_HINT =
  'Flags of settings are taken too, --state-dir DIR for one; `npm start -- --help` lists them with their defaults.';

/** The text of `--help`, without a line break at its end. */
export function helpText({ command, about, usage, flags = [], examples, settings }: Help): string {
  const lines = [about, '', 'Usage:', ...usage.map((rest) => lineOf(command, rest))];
  if (flags.length > 0) lines.push('', 'Flags:', ...columns(flags));
  lines.push('', 'Examples:', ...columns(examples));
  if (settings === 'some') lines.push('', SETTINGS_HINT);
  if (settings === 'all') lines.push('', describeSettings());
  return lines.join('\n');
}

/** How the command is written, for messages about wrong arguments. */
export function usageLines({ command, usage }: Help): string {
  return ['Usage:', ...[...usage, '--help'].map((rest) => lineOf(command, rest))].join('\n');
}

/** Prints the help and ends with exit code 0 when the arguments ask for it. */
export function answerHelp(argv: readonly string[], help: Help): void {
  if (!argv.includes('--help') && !argv.includes('-h')) return;
  process.stdout.write(`${helpText(help)}\n`);
  process.exit(0);
}

function lineOf(command: string, rest: string): string {
  return `  ${command}${rest === '' ? '' : ` -- ${rest}`}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`.trimEnd());
}
