import { Setting, Together, type SettingTree } from './setting.ts';

/** A setting with its three spellings. */
export interface NamedSetting {
  /** In ephemera.yaml: `apiPort`. */
  key: string;
  /** `EPHEMERA_API_PORT` */
  env: string;
  /** `--api-port` */
  flag: string;
  setting: Setting;
  /** Where its value is among the settings: `['api', 'port']`. */
  path: readonly string[];
}

/** Every setting of a tree, in its order. */
export function namedSettings(tree: SettingTree, path: readonly string[] = []): NamedSetting[] {
  return Object.entries(tree).flatMap(([name, node]) => {
    const here = [...path, name];
    if (node instanceof Setting) return named(node, here);
    return namedSettings(node instanceof Together ? node.tree : node, here);
  });
}

function named(setting: Setting, path: readonly string[]): NamedSetting {
  const key = setting.info.key ?? camelCase(path);
  const env = setting.info.env ?? `EPHEMERA_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  const flag = `--${env
    .replace(/^EPHEMERA_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`;
  return { key, env, flag, setting, path };
}

function camelCase(path: readonly string[]): string {
  return path.map((part, index) => (index === 0 ? part : `${part.charAt(0).toUpperCase()}${part.slice(1)}`)).join('');
}
