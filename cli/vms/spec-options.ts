/** The spec of a VM from a file and from flags; what flags say wins. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parse } from 'yaml';
import type { CreateVm } from '../../client/ephemera.ts';
import { usageError } from '../exit-codes.ts';

export interface SpecOptions {
  template?: string;
  provider?: string;
  image?: string;
  cpus?: string;
  memory?: string;
  disk?: string;
  label?: string[];
  env?: string[];
  secretEnv?: string[];
  startupScript?: string;
  file?: string;
  set?: string[];
  fresh?: boolean;
}

type Fields = Record<string, unknown>;

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function withSpec(one: Command): Command {
  return one
    .option('-t, --template <NAME>', 'the template, NAME or NAME@VERSION (default: that of the project)')
    .option('-f, --file <FILE>', 'the spec as YAML or JSON, - for standard input (default: none)')
    .option('--provider <NAME>', 'who makes the machine (default: as the template says)')
    .option('--image <NAME>', 'what it boots (default: as the template says)')
    .option('--cpus <N>', 'processors (default: as the template says)')
    .option('--memory <MB>', 'memory (default: as the template says)')
    .option('--disk <GB>', 'disk (default: as the template says)')
    .option('-l, --label <KEY=VALUE>', 'a label; as often as needed (default: none)', collect)
    .option('-e, --env <NAME=VALUE>', 'a variable of its app; as often as needed (default: none)', collect)
    .option(
      '--secret-env <NAME>',
      'a secret variable, with the value that NAME has here; as often as needed (default: none)',
      collect,
    )
    .option('--startup-script <FILE>', 'a script that it runs before it is ready, - for standard input (default: none)')
    .option('--set <PATH=VALUE>', 'any other field, as idle.timeoutSeconds=30; VALUE is YAML (default: none)', collect)
    .option('--fresh', 'a new disk, though one of that name was closed (default: off)');
}

/** @throws CliError for what is no field or no value; the API says what does not fit. */
export function specOf(name: string | undefined, options: SpecOptions, env: NodeJS.ProcessEnv): CreateVm {
  const spec: Fields = options.file === undefined ? {} : specIn(options.file);
  const set = (field: string, value: unknown): void => {
    if (value !== undefined) spec[field] = value;
  };
  set('name', name);
  for (const field of ['template', 'provider', 'image', 'fresh'] as const) set(field, options[field]);
  set('cpus', numberOf('--cpus', options.cpus));
  set('memoryMb', numberOf('--memory', options.memory));
  set('diskGb', numberOf('--disk', options.disk));
  merge(spec, 'labels', pairs('--label', options.label));
  merge(spec, 'env', pairs('--env', options.env));
  merge(spec, 'secretEnv', Object.fromEntries((options.secretEnv ?? []).map((one) => [one, secretOf(one, env)])));
  set('startupScript', options.startupScript === undefined ? undefined : textOf(options.startupScript));
  for (const [path, value] of Object.entries(pairs('--set', options.set))) setAt(spec, path, value);
  return spec;
}

/** `KEY=VALUE` texts as an object. */
export function pairs(flag: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw usageError(`${flag} ${text}: write it NAME=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** A whole or broken number of at least 0. */
export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw usageError(`${flag} must be a number, not ${text}`);
}

function merge(spec: Fields, field: string, more: Record<string, string>): void {
  if (Object.keys(more).length > 0) spec[field] = { ...(spec[field] as object | undefined), ...more };
}

function setAt(spec: Fields, path: string, text: string): void {
  const names = path.split('.');
  let at = spec;
  for (const name of names.slice(0, -1)) {
    const below = at[name] ?? {};
    if (typeof below !== 'object') throw usageError(`--set ${path}: ${name} has no fields`);
    at[name] = below;
    at = below as Fields;
  }
  at[names.at(-1) ?? ''] = valueOf(path, text);
}

function valueOf(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch {
    throw usageError(`--set ${path}: ${text} is no YAML`);
  }
}

/** The value is in the environment, because command lines are seen by all who may list processes. */
function secretOf(name: string, env: NodeJS.ProcessEnv): string {
  if (name.includes('='))
    throw usageError(`--secret-env takes a name alone; set ${name.split('=')[0] ?? ''} in the environment`);
  const value = env[name];
  if (value === undefined) throw usageError(`--secret-env ${name}: ${name} is not set in the environment`);
  return value;
}

function specIn(file: string): Fields {
  let found: unknown;
  try {
    found = parse(textOf(file));
  } catch (error) {
    if (error instanceof Error && error.name === 'YAMLParseError') throw usageError(`${file}: ${error.message}`);
    throw error;
  }
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Fields;
  throw usageError(`${file}: holds no spec, which is a list of fields`);
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw usageError(`${file}: cannot be read (${String((error as NodeJS.ErrnoException).code)})`);
  }
}
