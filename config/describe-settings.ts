import {
  DERIVED_DEFAULTS,
  SETTING_DEFAULTS,
  SETTING_DEFINITIONS,
  SETTING_NAMES,
  flagOf,
  type SettingDefinition,
  type SettingName,
} from './setting-definitions.ts';

/** Two lines for each setting: flag and environment variable, then what it is for and its default. */
export function describeSettings(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { env, about, secret }: SettingDefinition = SETTING_DEFINITIONS[name];
    const spelled = secret ? `${env}  (from the environment alone)` : `${flagOf(name)}  ${env}`;
    const preset = defaultOf(name);
    return `  ${spelled}\n      ${about}${preset === undefined ? '' : ` (default: ${preset})`}`;
  });
  return [
    'Settings: flag, else environment variable, else ephemera.yaml (--config FILE; keys like apiPort), else default.',
    ...rows,
    "  Temporal's own variables (TEMPORAL_PROFILE, TEMPORAL_API_KEY, TEMPORAL_TLS, …) are honoured too.",
  ].join('\n');
}

function defaultOf(name: SettingName): string | undefined {
  const derived: Partial<Record<SettingName, string>> = DERIVED_DEFAULTS;
  const fixed: Partial<Record<SettingName, string | number | readonly string[]>> = SETTING_DEFAULTS;
  const value = derived[name] ?? fixed[name];
  return typeof value === 'object' ? value.join(',') : value?.toString();
}
