import { setting, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { baseUrl, oneOf } from '../../lib/settings/values.ts';

export const region = setting(oneOf(['north', 'south']), { about: 'where paper machines are', default: 'north' });
const endpoint = setting(baseUrl, { about: 'URL of the paper cloud', default: 'https://paper.example' });
export const PAPER_TREE = { region, endpoint } satisfies SettingTree;

export type PaperSettings = ValuesOf<typeof PAPER_TREE>;
