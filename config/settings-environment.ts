import { devNull } from 'node:os';
import type { NamedSetting } from '../lib/settings/named-settings.ts';
import { descriptorOf } from '../providers/lookup.ts';
import { CONFIG_FILE_VARIABLE, type Environment } from './setting-sources.ts';
import { asText } from './setting-text.ts';
import { SETTINGS, providerOfSetting, type Settings } from './settings.ts';

/**
 * The environment that gives a child process exactly these settings, on top of what is not ours in `env`. No
 * flag, file or variable of the parent is read a second time.
 */
export function settingsEnvironment(settings: Settings, env: Environment): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('EPHEMERA_'));
  const child: NodeJS.ProcessEnv = { ...Object.fromEntries(others), [CONFIG_FILE_VARIABLE]: devNull };
  for (const named of SETTINGS) {
    const written = isExcluded(named, settings) ? '' : asText(valueAt(settings, named.path));
    if (written === '') Reflect.deleteProperty(child, named.env);
    else child[named.env] = written;
  }
  return child;
}

/** What would be a mistake to set beside the others. */
function isExcluded(named: NamedSetting, settings: Settings): boolean {
  const { setting } = named;
  const provider = providerOfSetting(named);
  if (provider !== undefined && !settings.providers.includes(provider)) {
    if (descriptorOf(provider).settings.onlyWhenOffered) return true;
  }
  const other = SETTINGS.find((one) => one.setting === setting.info.notWith?.other);
  return other !== undefined && valueAt(settings, other.path) !== null;
}

function valueAt(settings: Settings, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (value === null ? null : (value as Record<string, unknown>)[name]),
    settings,
  );
}
