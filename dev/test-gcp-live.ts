/**
 * `npm run test:gcp-live`: the provider contract suite on a real Google Cloud project. It makes some 40 of the smallest
 * machines one after the other and removes them all; they delete themselves in any case.
 */
import { startVitest } from 'vitest/node';
import { GCP_RULES, type GcpRules } from '../providers/gcp/rules.ts';
import { diagnoseGcp } from '../providers/gcp/diagnose.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { ScriptError, runScript, say } from '../commands/terminal/terminal.ts';

const TEST_TIMEOUT_MS = 20 * 60_000;

const HELP: Help = {
  command: 'npm run test:gcp-live',
  about:
    'The provider contract suite on a real Google Cloud project: some 40 of the smallest machines, all removed again.',
  usage: [''],
  flags: [
    ['EPHEMERA_GCP_PROJECT', 'in the environment: the project; always needed'],
    ['EPHEMERA_GCP_ZONES', 'in the environment: zones in the order to try (default: us-central1-a)'],
  ],
  examples: [['EPHEMERA_GCP_PROJECT=my-tests npm run test:gcp-live', 'checks first what the project lacks']],
};

await runScript(async () => {
  answerHelp(process.argv, HELP);
  const project = process.env['EPHEMERA_GCP_PROJECT'] ?? '';
  if (project === '') {
    throw new ScriptError(
      'Set EPHEMERA_GCP_PROJECT to a project in which test machines may be made (they cost money).',
    );
  }
  const zones = (process.env['EPHEMERA_GCP_ZONES'] ?? 'us-central1-a').split(',');
  const networks = (process.env['EPHEMERA_GCP_NETWORKS'] ?? 'default').split(',');
  const rules: GcpRules = { ...GCP_RULES, networks, externalIp: 'allowed' };
  const findings = await diagnoseGcp({ project, zones, endpoint: null, rules });
  for (const { check, ok, found } of findings) say(`${ok ? '✓' : '✗'} ${check}: ${found}`);
  const todos = findings.filter(({ ok }) => !ok).map(({ check, todo }) => `${check}: ${todo}`);
  if (todos.length > 0) throw new ScriptError(['The live tests cannot run yet:', ...todos].join('\n  '));
  const vitest = await startVitest('test', [], {
    config: false,
    watch: false,
    include: ['test/live/gcp.test.ts'],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
  });
  const failed = vitest.state.getCountOfFailedTests();
  await vitest.close();
  if (failed > 0) throw new ScriptError(`${failed} live tests failed.`);
});
