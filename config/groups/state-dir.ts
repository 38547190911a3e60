import { resolve } from 'node:path';
import { setting } from '../../lib/settings/setting.ts';
import { text } from '../../lib/settings/values.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');

export const stateDir = setting(text, {
  about: 'directory for everything kept on this host',
  path: true,
  default: () => resolve(CHECKOUT, '.ephemera'),
  shownDefault: '.ephemera in the checkout',
});
