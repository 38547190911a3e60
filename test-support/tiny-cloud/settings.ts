import { setting, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { oneOf } from '../../lib/settings/values.ts';

export const region = setting(oneOf(['north', 'south']), { about: 'where tiny machines are', default: 'north' });
export const TINY_TREE = { region } satisfies SettingTree;

export type TinySettings = ValuesOf<typeof TINY_TREE>;
