import type { NamedSetting } from '../lib/settings/named-settings.ts';
import { asText } from './setting-text.ts';
import { SETTINGS } from './settings.ts';

/** Two lines for each setting: flag and environment variable, then what it is for and its default. */
export function describeSettings(): string {
  const rows = SETTINGS.map((named) => {
    const { env, flag, setting } = named;
    const spelled = setting.info.secret ? `${env}  (from the environment alone)` : `${flag}  ${env}`;
    const preset = shownDefault(named);
    return `  ${spelled}\n      ${setting.info.about}${preset === undefined ? '' : ` (default: ${preset})`}`;
  });
  return [
    'Settings: flag, else environment variable, else ephemera.yaml (--config FILE; keys like apiPort), else default.',
    ...rows,
    "  Temporal's own variables (TEMPORAL_PROFILE, TEMPORAL_API_KEY, TEMPORAL_TLS, …) are honoured too.",
  ].join('\n');
}

/** The same as a page of documentation. */
export function settingsMarkdown(): string {
  const rows = SETTINGS.map((named) => {
    const { key, env, flag, setting } = named;
    const [inFile, onLine] = setting.info.secret ? ['', ''] : [`\`${key}\``, `\`${flag}\``];
    const about = setting.info.about.replaceAll('|', '\\|');
    return `| \`${env}\` | ${onLine} | ${inFile} | ${about} | ${shownDefault(named) ?? ''} |`;
  });
  return [
    '# Settings',
    '',
    'Generated from `config/settings.ts` by `dev/generate-docs.ts`; `npm start -- --help` shows the same.',
    '',
    'Each is taken from its flag, else its environment variable, else `ephemera.yaml` in the working directory',
    '(`--config FILE` or `EPHEMERA_CONFIG` names another one), else it has its default. Every mistake is listed at once.',
    'Secrets are taken from the environment alone.',
    '',
    '| variable | flag | in `ephemera.yaml` | what it is for | default |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    "Temporal's own variables (`TEMPORAL_PROFILE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS`, …) are honoured too.",
    '',
  ].join('\n');
}

function shownDefault({ setting: { info, byDefault } }: NamedSetting): string | undefined {
  if (info.shownDefault !== undefined) return info.shownDefault;
  if (byDefault === null || typeof byDefault === 'function') return undefined;
  return asText(byDefault) || undefined;
}
