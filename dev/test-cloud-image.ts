/**
 * `npm run test:cloud-image`: makes a cloud image of Debian with mmdebstrap and boots it through the whole product.
 * Takes some minutes where guests run by software emulation, so it is no part of `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { startVitest } from 'vitest/node';
import { IMAGE_TOOLS } from '../test-support/cloud-init/debian-image.ts';
import { buildVmServer } from '../commands/start/build-vm-server.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { findOrGetTemporalCli } from '../commands/temporal/temporal-cli.ts';
import { ScriptError, runScript, step } from '../commands/terminal/terminal.ts';

const TEST_TIMEOUT_MS = 30 * 60_000;

const HELP: Help = {
  command: 'npm run test:cloud-image',
  about: 'Makes a cloud image of Debian with mmdebstrap and boots it through the whole product; some minutes, as root.',
  usage: [''],
  examples: [['npm run test:cloud-image', 'says first which packages are missing']],
};

await runScript(async () => {
  answerHelp(process.argv, HELP);
  const missing = Object.entries(IMAGE_TOOLS).filter(([tool]) => spawnSync(tool, ['--version']).error !== undefined);
  if (process.getuid?.() !== 0 || missing.length > 0) {
    const packages = [...missing.map(([, name]) => name), 'syslinux-common', 'qemu-system-x86'].join(' ');
    throw new ScriptError(`Run this as root, on Debian, after: apt-get install --no-install-recommends ${packages}`);
  }
  await step('vm-server built', () => buildVmServer());
  const setPath = process.env['EPHEMERA_TEMPORAL_CLI'] ?? null;
  process.env['EPHEMERA_TEMPORAL_CLI'] = await step('Temporal CLI', (found) => findOrGetTemporalCli(setPath, found));
  const vitest = await startVitest('test', [], {
    config: false,
    watch: false,
    include: ['test/long/cloud-image.test.ts'],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
  });
  const failed = vitest.state.getCountOfFailedTests() > 0 || vitest.state.getUnhandledErrors().length > 0;
  const failedFiles = vitest.state.getFiles().filter((file) => file.result?.state === 'fail').length;
  await vitest.close();
  if (failed || failedFiles > 0) throw new ScriptError('The test with a cloud image failed.');
});
