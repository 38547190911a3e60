import { parseArgs, type ParseArgsConfig } from 'node:util';
import { loadSettings, SettingsError } from '../../config/load-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { usageLines, type Help } from './help.ts';
import { ScriptError } from './terminal.ts';

/** What a script takes besides the settings. */
export interface OwnFlags {
  /** Flags without a value that were given. */
  switches: Set<string>;
  values: Map<string, string>;
  /** Everything else: flags of the settings. */
  rest: string[];
}

/**
 * Takes a script's own flags, `--name`, `--name VALUE` or `--name=VALUE`, out of its arguments.
 * @throws ScriptError for a flag without its value.
 */
export function takeOwnFlags(
  argv: readonly string[],
  own: { switches?: readonly string[]; values?: readonly string[] },
): OwnFlags {
  const flags: OwnFlags = { switches: new Set(), values: new Map(), rest: [] };
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const name of own.switches ?? []) options[name] = { type: 'boolean' };
  for (const name of own.values ?? []) options[name] = { type: 'string' };
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  let last = -1;
  for (const token of tokens) {
    const option = token.kind === 'option' && token.rawName.startsWith('--') ? token : undefined;
    if (option !== undefined && own.switches?.includes(option.name) && option.value === undefined) {
      flags.switches.add(option.name);
    } else if (option !== undefined && own.values?.includes(option.name)) {
      if (!option.value) throw new ScriptError(`${option.rawName}: needs a value`);
      flags.values.set(option.name, option.value);
    } else if (token.index !== last) {
      flags.rest.push(argv[token.index] ?? '');
    }
    last = token.index;
  }
  return flags;
}

/**
 * A script's own flags where it takes nothing else.
 * @throws ScriptError for anything else, and for a flag without its value.
 */
export function onlyOwnFlags(
  argv: readonly string[],
  own: { switches?: readonly string[]; values?: readonly string[] },
  help: Help,
): OwnFlags {
  const flags = takeOwnFlags(argv, own);
  if (flags.rest.length > 0) throw new ScriptError(`unknown: ${flags.rest.join(' ')}\n${usageLines(help)}`);
  return flags;
}

/** A whole number of at least 1, or undefined for a flag that was not given. */
export function wholeNumber(flags: OwnFlags, name: string): number | undefined {
  const value = flags.values.get(name);
  if (value === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new ScriptError(`--${name}: must be a whole number of at least 1, not ${value}`);
}

/**
 * The settings from what is left of the arguments, the environment and the file.
 * @throws ScriptError with every mistake and the script's usage.
 */
export function settingsOfArguments(argv: readonly string[], help: Help): Settings {
  try {
    return loadSettings({ argv, env: process.env, cwd: process.cwd() });
  } catch (error) {
    if (error instanceof SettingsError) throw new ScriptError(`${error.message}\n${usageLines(help)}`);
    throw error;
  }
}
