import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { describeSettings } from '../../../config/describe-settings.ts';
import { SETTINGS, type Settings } from '../../../config/settings.ts';
import { composeValues } from '../../../lib/settings/compose-values.ts';
import { namedSettings } from '../../../lib/settings/named-settings.ts';
import { notedSetting, setting, Together, type Known, type ValuesOf } from '../../../lib/settings/setting.ts';
import { port, seconds, text } from '../../../lib/settings/values.ts';

const tree = {
  mail: {
    relayPort: notedSetting(port, { about: 'port of the relay', default: 25 }),
    pauseSeconds: setting(seconds(1, 60), { about: 'pause between two letters' }),
    login: new Together({
      name: setting(text, { key: 'mailName', about: 'who sends' }),
      word: setting(text, { key: 'mailWord', about: 'how it proves that', secret: true }),
    }),
  },
};

const nothingWritten: Known = {
  cwd: '/',
  value: ({ byDefault }) => (byDefault instanceof Function ? byDefault(nothingWritten) : byDefault),
  written: () => undefined,
  isWrong: () => false,
  source: () => '',
};

describe('a setting that is declared once', () => {
  it('has a flag, a variable, a key in ephemera.yaml and a typed place among the settings', () => {
    expect(namedSettings(tree).map(({ key, env, flag, path }) => [key, env, flag, path.join('.')])).toEqual([
      ['mailRelayPort', 'EPHEMERA_MAIL_RELAY_PORT', '--mail-relay-port', 'mail.relayPort'],
      ['mailPauseSeconds', 'EPHEMERA_MAIL_PAUSE_SECONDS', '--mail-pause-seconds', 'mail.pauseSeconds'],
      ['mailName', 'EPHEMERA_MAIL_NAME', '--mail-name', 'mail.login.name'],
      ['mailWord', 'EPHEMERA_MAIL_WORD', '--mail-word', 'mail.login.word'],
    ]);
    const values = composeValues(tree, nothingWritten);
    expect(values).toEqual({ mail: { relayPort: 25, relayPortWasAsked: false, pauseSeconds: null, login: null } });
    expectTypeOf<ValuesOf<typeof tree>['mail']['login']>().toEqualTypeOf<{ name: string; word: string } | null>();
    expectTypeOf<Settings['api']['port']>().toEqualTypeOf<number>();
    expectTypeOf<Settings['worker']['roles'][number]>().toEqualTypeOf<'control' | 'host'>();
  });

  it('is in the help and in docs/settings.md, and no two share a spelling', () => {
    const [help, page] = [describeSettings(), readFileSync('docs/settings.md', 'utf8')];
    for (const { env } of SETTINGS) {
      expect(help).toContain(env);
      expect(page).toContain(`| \`${env}\``);
    }
    for (const spelling of ['key', 'env', 'flag'] as const) {
      expect(new Set(SETTINGS.map((named) => named[spelling])).size).toBe(SETTINGS.length);
    }
  });
});
