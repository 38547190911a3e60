import { resolve } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Known, Setting } from '../lib/settings/setting.ts';
import { contradictions } from './contradictions.ts';
import { describeSettings } from './describe-settings.ts';
import { temporalAddress, temporalNamespace } from './groups/temporal-settings.ts';
import { collectSettings, type Environment, type SettingSources, type WrittenSettings } from './setting-sources.ts';
import { SETTINGS, composeSettings, type Settings } from './settings.ts';

/** What is wrong with the settings: every mistake at once, each with its source and what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(`${mistakes.length} wrong ${mistakes.length === 1 ? 'setting' : 'settings'}:\n  ${mistakes.join('\n  ')}`);
    this.mistakes = mistakes;
  }
}

/**
 * Each setting from its flag, else the environment, else `ephemera.yaml`, else its default.
 * @throws SettingsError that lists every mistake.
 */
export function loadSettings(sources: SettingSources): Settings {
  const mistakes: string[] = [];
  const written = collectSettings(sources, mistakes);
  const values = validate(written, mistakes);
  const profile = readTemporalProfile(sources.env, mistakes);
  const known = whatIsKnown(sources.cwd, written, values, profile);
  mistakes.push(...contradictions(known));
  if (profile.isSecured && !values.has(temporalAddress) && profile.address === undefined) {
    mistakes.push('Temporal profile or TEMPORAL_API_KEY, TEMPORAL_TLS_…: for which server? set TEMPORAL_ADDRESS too');
  }
  if (mistakes.length > 0) throw new SettingsError(mistakes);
  return composeSettings(known);
}

/** Settings of this very process; wrong ones are printed and end it with exit code 1, `--help` with 0. */
export function settingsOfThisProcess(): Settings {
  const argv = process.argv.slice(2);
  if (argv.includes('--help')) {
    process.stdout.write(`${describeSettings()}\n`);
    process.exit(0);
  }
  try {
    return loadSettings({ argv, env: process.env, cwd: process.cwd() });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

type Values = Map<Setting, unknown>;

function validate(written: WrittenSettings, mistakes: string[]): Values {
  const values: Values = new Map();
  for (const { setting } of SETTINGS) {
    const found = written.get(setting);
    if (found === undefined) continue;
    const parsed = setting.schema.safeParse(found.value);
    const shown = setting.info.secret || setting.info.namesWrongItem ? '' : `, not ${JSON.stringify(found.value)}`;
    if (parsed.success) values.set(setting, parsed.data);
    else mistakes.push(...parsed.error.issues.map((issue) => `${found.source}: ${issue.message}${shown}`));
  }
  return values;
}

/** Values that are not of a setting's type never come in: all of them were parsed by its own schema. */
function whatIsKnown(cwd: string, written: WrittenSettings, values: Values, profile: TemporalProfile): Known {
  const fromProfile = new Map<Setting, unknown>([
    [temporalAddress, profile.address],
    [temporalNamespace, profile.namespace],
  ]);
  const variableOf = new Map(SETTINGS.map(({ setting, env }) => [setting, env]));
  const known: Known = {
    cwd,
    value: <Value>(setting: Setting<Value>): Value => {
      const value = values.get(setting) ?? fromProfile.get(setting);
      if (value === undefined) return defaultOf(setting, known);
      return (setting.info.path && typeof value === 'string' ? absolute(cwd, value) : value) as Value;
    },
    written: <Value>(setting: Setting<Value>) => values.get(setting) as Value | undefined,
    isWrong: (setting) => written.has(setting) && !values.has(setting),
    source: (setting) => written.get(setting)?.source ?? variableOf.get(setting) ?? '',
  };
  return known;
}

/** A copy, so that nobody who changes it changes the default. */
function defaultOf<Value>({ byDefault }: Setting<Value>, known: Known): Value {
  return byDefault instanceof Function ? byDefault(known) : structuredClone(byDefault);
}

function absolute(cwd: string, path: string): string {
  return path === '-' ? path : resolve(cwd, path);
}

interface TemporalProfile {
  address?: string | undefined;
  namespace?: string | undefined;
  /** It has an API key or TLS, which are for a certain server. */
  isSecured?: boolean;
}

function readTemporalProfile(env: Environment, mistakes: string[]): TemporalProfile {
  try {
    const config = loadClientConnectConfig({ overrideEnvVars: definedVariables(env) });
    const { address, apiKey, tls } = config.connectionOptions;
    return { address, namespace: config.namespace, isSecured: apiKey !== undefined || Boolean(tls) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    mistakes.push(`Temporal profile (TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE, TEMPORAL_TLS_…): ${detail}`);
    return {};
  }
}

/** Variables that are set; an empty one counts as unset, as everywhere here. */
export function definedVariables(env: Environment): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return Object.fromEntries(entries);
}
