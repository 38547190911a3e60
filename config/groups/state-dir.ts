import { defaultStateDirectory } from '../../lib/processes/checkout.ts';
import { setting } from '../../lib/settings/setting.ts';
import { text } from '../../lib/settings/values.ts';

export const stateDir = setting(text, {
  about: 'directory for everything kept on this host',
  path: true,
  default: () => defaultStateDirectory('ephemera'),
  shownDefault: '.ephemera in the checkout, or ~/.local/state/ephemera',
});
