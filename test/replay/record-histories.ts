/**
 * Records one history of each ending into test/replay/histories/, or only of the endings named. Run it when a
 * workflow change is meant to make new histories; keep the old files as long as VMs of that age may live.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TEST_NAMESPACE } from '../temporal-server.ts';
import { startVmHarness } from '../workflow/vm-harness.ts';
import { ENDINGS, liveEnding } from './endings.ts';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
await mkdir(folder, { recursive: true });
const harness = await startVmHarness();
const root = fileURLToPath(new URL('../../', import.meta.url));
const asked = process.argv.slice(2);
const { cliPath, address } = harness.server;
try {
  for (const name of asked.length > 0 ? asked : Object.keys(ENDINGS)) {
    const vm = await liveEnding(harness, name);
    const run = ['--workflow-id', vm.workflowId, '--run-id', vm.firstExecutionRunId];
    const show = ['workflow', 'show', ...run, '--address', address, '-n', TEST_NAMESPACE, '--output', 'json'];
    // Stack traces name the place of the checkout, which is nobody's business.
    const history = execFileSync(cliPath, show, { encoding: 'utf8' }).replaceAll(root, '');
    await writeFile(`${folder}${name}.json`, history);
    console.log(`${name}: ${String((JSON.parse(history) as { events: [] }).events.length)} events`);
  }
} finally {
  await harness.stop();
}
