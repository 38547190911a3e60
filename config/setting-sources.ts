import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { nearestName } from './nearest-name.ts';
import {
  CONFIG_FILE_VARIABLE,
  SETTING_DEFINITIONS,
  SETTING_NAMES,
  flagOf,
  type SettingDefinition,
  type SettingName,
} from './setting-definitions.ts';

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

export type WrittenSettings = Partial<Record<SettingName, WrittenSetting>>;

const DEFAULT_FILE = 'ephemera.yaml';

/** Reads flags, environment and yaml, in this order of precedence; adds what is wrong to `mistakes`. */
export function collectSettings(sources: SettingSources, mistakes: string[]): WrittenSettings {
  const flags = readFlags(sources.argv, mistakes);
  const environment = readEnvironment(sources.env, mistakes);
  const file = readFile(sources, flags.configFile, mistakes);
  return { ...file, ...environment, ...flags.written };
}

function definition(name: SettingName): SettingDefinition {
  return SETTING_DEFINITIONS[name];
}

function suggestion(typed: string, known: readonly string[]): string {
  const nearest = nearestName(typed, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

function readFlags(argv: readonly string[], mistakes: string[]) {
  const byFlag = new Map(SETTING_NAMES.map((name) => [flagOf(name), name]));
  const written: WrittenSettings = {};
  let configFile: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (!word.startsWith('--')) {
      mistakes.push(`argument "${word}": not a flag; write --name value`);
      continue;
    }
    const [flag = '', ...rest] = word.split('=');
    const name = byFlag.get(flag);
    if (name === undefined && flag !== '--config') {
      mistakes.push(`${flag}: unknown flag${suggestion(flag, [...byFlag.keys(), '--config'])}`);
      if (rest.length === 0 && argv[index + 1]?.startsWith('--') === false) index++;
      continue;
    }
    const value = rest.length > 0 ? rest.join('=') : argv[++index];
    if (value === undefined) {
      mistakes.push(`${flag}: needs a value`);
    } else if (name === undefined) {
      configFile = value;
    } else if (definition(name).secret) {
      mistakes.push(`${flag}: a secret does not belong on a command line; set ${definition(name).env} instead`);
    } else {
      written[name] = { value, source: flag };
    }
  }
  return { written, configFile };
}

function readEnvironment(env: Environment, mistakes: string[]): WrittenSettings {
  const byVariable = new Map(SETTING_NAMES.map((name) => [definition(name).env, name]));
  const written: WrittenSettings = {};
  for (const [variable, value] of Object.entries(env)) {
    const name = byVariable.get(variable);
    if (name !== undefined) {
      if (value !== undefined && value !== '') written[name] = { value, source: variable };
    } else if (variable.startsWith('EPHEMERA_') && variable !== CONFIG_FILE_VARIABLE) {
      mistakes.push(`${variable}: unknown variable${suggestion(variable, [...byVariable.keys()])}`);
    }
  }
  return written;
}

function readFile(sources: SettingSources, flag: string | undefined, mistakes: string[]): WrittenSettings {
  const named = flag ?? (sources.env[CONFIG_FILE_VARIABLE] || undefined);
  const path = resolve(sources.cwd, named ?? DEFAULT_FILE);
  if (!existsSync(path)) {
    if (named !== undefined) {
      const source = flag === undefined ? CONFIG_FILE_VARIABLE : '--config';
      mistakes.push(`${source}: there is no file ${path}; correct the path or leave it out`);
    }
    return {};
  }
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'), { logLevel: 'error' });
  } catch (error) {
    const firstLine = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    mistakes.push(`${path}: cannot be read as yaml: ${firstLine ?? ''}`);
    return {};
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    mistakes.push(`${path}: must hold "name: value" lines`);
    return {};
  }
  return readFileEntries(path, content, mistakes);
}

function readFileEntries(path: string, content: object, mistakes: string[]): WrittenSettings {
  const written: WrittenSettings = {};
  for (const [key, value] of Object.entries(content) as [string, unknown][]) {
    const name = SETTING_NAMES.find((known) => known === key);
    const source = `${key} in ${path}`;
    if (name === undefined) {
      mistakes.push(`${source}: unknown key${suggestion(key, SETTING_NAMES)}`);
    } else if (definition(name).secret) {
      mistakes.push(`${source}: a secret does not belong in this file; set ${definition(name).env} instead`);
    } else if (value !== null) {
      written[name] = { value, source };
    }
  }
  return written;
}
