/**
 * `npm run test:gcp-live` and its like for every cloud: the provider contract suite on a real account. It makes some 40 of the smallest
 * machines one after the other and removes them all.
 */
import { startVitest } from 'vitest/node';
import { SettingsError, loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { ScriptError, runScript, say } from '../commands/terminal/terminal.ts';
import { ownSettings } from '../providers/lookup.ts';
import { PROVIDERS } from '../providers/registry.ts';

const TEST_TIMEOUT_MS = 20 * 60_000;
const CLOUDS = PROVIDERS.filter(({ placement }) => placement === 'zone');
/** What a live test takes where nobody says otherwise: machines are talked to from here. */
const defaultsOf = (name: string): Record<string, string> => {
  const prefix = `EPHEMERA_${name.toUpperCase()}`;
  const ofGcp = name === 'gcp' ? { [`${prefix}_NETWORKS`]: 'default' } : {};
  return { [`${prefix}_EXTERNAL_IP`]: 'allowed', ...ofGcp };
};

const cloud = CLOUDS.find(({ name }) => name === process.argv[2]);
const HELP: Help = {
  command: `npm run test:${cloud?.name ?? 'CLOUD'}-live`,
  about: 'The provider contract suite on a real account: some 40 of the smallest machines, all removed again.',
  usage: [''],
  flags: [['EPHEMERA_…', "in the environment: the cloud's settings, as in its page in docs/"]],
  examples: [['EPHEMERA_GCP_PROJECT=my-tests npm run test:gcp-live', 'checks first what the project lacks']],
};

await runScript(async () => {
  answerHelp(process.argv, HELP);
  if (cloud === undefined) {
    const known = CLOUDS.map(({ name }) => name).join(', ');
    throw new ScriptError(`there is no cloud ${process.argv[2] ?? ''}; there is: ${known}`);
  }
  const { name } = cloud;
  const env = { ...defaultsOf(name), ...process.env };
  const settings = settingsFor(name, env);
  const module = await cloud.load();
  const findings = (await module.diagnose?.({ own: ownSettings(settings, cloud), deployment: 'live' })) ?? [];
  for (const { check, ok, found } of findings) say(`${ok ? '✓' : '✗'} ${check}: ${found}`);
  const todos = findings.filter(({ ok }) => !ok).map(({ check, todo }) => `${check}: ${todo}`);
  if (todos.length > 0) throw new ScriptError(['The live tests cannot run yet:', ...todos].join('\n  '));
  Object.assign(process.env, env, { EPHEMERA_LIVE_CLOUD: name });
  const vitest = await startVitest('test', [], {
    config: false,
    watch: false,
    include: [`test/live/${name === 'gcp' ? 'gcp' : 'cloud'}.test.ts`],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
  });
  const failed = vitest.state.getCountOfFailedTests();
  await vitest.close();
  if (failed > 0) throw new ScriptError(`${failed} live tests failed.`);
});

/** @throws ScriptError that names the settings that are missing, and says that machines cost money. */
function settingsFor(name: string, env: NodeJS.ProcessEnv): Settings {
  try {
    return loadSettings({ argv: ['--provider', name, '--api-url', 'http://127.0.0.1:7400'], env, cwd: process.cwd() });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new ScriptError(
      `${error.message}\nSet them for an account in which test machines may be made: they cost money.`,
    );
  }
}
