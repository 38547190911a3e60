import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { nearestName } from '../lib/text/nearest-name.ts';
import type { NamedSetting } from '../lib/settings/named-settings.ts';
import type { Setting } from '../lib/settings/setting.ts';
import { SETTINGS } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingSources {
  argv: readonly string[];
  env: Environment;
  cwd: string;
}

/** A value as it was written and where. */
export interface WrittenSetting {
  value: unknown;
  /** `--api-port`, `EPHEMERA_API_PORT` or `apiPort in /…/ephemera.yaml`. */
  source: string;
}

export type WrittenSettings = Map<Setting, WrittenSetting>;

/** Names the yaml file; not a setting of its own. */
export const CONFIG_FILE_VARIABLE = 'EPHEMERA_CONFIG';
const CONFIG_FILE_FLAG = '--config';
const DEFAULT_FILE = 'ephemera.yaml';

/** Reads flags, environment and yaml, in this order of precedence; adds what is wrong to `mistakes`. */
export function collectSettings(sources: SettingSources, mistakes: string[]): WrittenSettings {
  const flags = readFlags(sources.argv, mistakes);
  const environment = readEnvironment(sources.env, mistakes);
  const file = readFile(sources, flags.configFile, mistakes);
  return new Map([...file, ...environment, ...flags.written]);
}

const by = (spelling: 'key' | 'env' | 'flag'): ReadonlyMap<string, NamedSetting> =>
  new Map(SETTINGS.map((named) => [named[spelling], named]));
const BY_KEY = by('key');
const BY_VARIABLE = by('env');
const BY_FLAG = by('flag');

function suggestion(typed: string, known: Iterable<string>): string {
  const nearest = nearestName(typed, [...known]);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

const FLAG_OPTIONS = Object.fromEntries(
  [...BY_FLAG.keys(), CONFIG_FILE_FLAG].map((flag) => [flag.slice(2), { type: 'string' as const }]),
);

function readFlags(argv: readonly string[], mistakes: string[]) {
  const written: WrittenSettings = new Map();
  let configFile: string | undefined;
  const { tokens } = parseArgs({ args: [...argv], options: FLAG_OPTIONS, strict: false, tokens: true });
  // The value of a flag that nobody knows, and each letter of one word, are not mistakes of their own.
  let handled = -1;
  for (const token of tokens) {
    if (token.index <= handled) continue;
    handled = token.index;
    if (token.kind !== 'option' || !token.rawName.startsWith('--')) {
      mistakes.push(`argument "${argv[token.index] ?? ''}": not a flag; write --name value`);
      continue;
    }
    const { rawName: flag, value } = token;
    const named = BY_FLAG.get(flag);
    if (named === undefined && flag !== CONFIG_FILE_FLAG) {
      mistakes.push(`${flag}: unknown flag${suggestion(flag, [...BY_FLAG.keys(), CONFIG_FILE_FLAG])}`);
      if (value === undefined && argv[token.index + 1]?.startsWith('--') === false) handled++;
    } else if (value === undefined) {
      mistakes.push(`${flag}: needs a value`);
    } else if (named === undefined) {
      configFile = value;
    } else if (named.setting.info.secret) {
      mistakes.push(`${flag}: a secret does not belong on a command line; set ${named.env} instead`);
    } else {
      written.set(named.setting, { value, source: flag });
    }
  }
  return { written, configFile };
}

function readEnvironment(env: Environment, mistakes: string[]): WrittenSettings {
  const written: WrittenSettings = new Map();
  for (const [variable, value] of Object.entries(env)) {
    const named = BY_VARIABLE.get(variable);
    if (named !== undefined) {
      if (value !== undefined && value !== '') written.set(named.setting, { value, source: variable });
    } else if (variable.startsWith('EPHEMERA_') && variable !== CONFIG_FILE_VARIABLE) {
      mistakes.push(`${variable}: unknown variable${suggestion(variable, BY_VARIABLE.keys())}`);
    }
  }
  return written;
}

function readFile(sources: SettingSources, flag: string | undefined, mistakes: string[]): WrittenSettings {
  const nothing: WrittenSettings = new Map();
  const named = flag ?? (sources.env[CONFIG_FILE_VARIABLE] || undefined);
  const path = resolve(sources.cwd, named ?? DEFAULT_FILE);
  if (!existsSync(path)) {
    if (named !== undefined) {
      const source = flag === undefined ? CONFIG_FILE_VARIABLE : CONFIG_FILE_FLAG;
      mistakes.push(`${source}: there is no file ${path}; correct the path or leave it out`);
    }
    return nothing;
  }
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'), { logLevel: 'error' });
  } catch (error) {
    const firstLine = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    mistakes.push(`${path}: cannot be read as yaml: ${firstLine ?? ''}`);
    return nothing;
  }
  if (content === null || content === undefined) return nothing;
  if (typeof content !== 'object' || Array.isArray(content)) {
    mistakes.push(`${path}: must hold "name: value" lines`);
    return nothing;
  }
  return readFileEntries(path, content, mistakes);
}

function readFileEntries(path: string, content: object, mistakes: string[]): WrittenSettings {
  const written: WrittenSettings = new Map();
  for (const [key, value] of Object.entries(content) as [string, unknown][]) {
    const named = BY_KEY.get(key);
    const source = `${key} in ${path}`;
    if (named === undefined) {
      mistakes.push(`${source}: unknown key${suggestion(key, BY_KEY.keys())}`);
    } else if (named.setting.info.secret) {
      mistakes.push(`${source}: a secret does not belong in this file; set ${named.env} instead`);
    } else if (value !== null) {
      written.set(named.setting, { value, source });
    }
  }
  return written;
}
