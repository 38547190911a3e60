/**
 * Records one history of each ending, of each life on hosts, of templates and of pools, and of both sides of patches, into
 * test/replay/histories/, or only of those named. Run it when a workflow change is meant to make new histories; keep the old
 * files as long as VMs of that age may live.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TEST_NAMESPACE } from '../../test-support/temporal-server.ts';
import { startVmHarness, type VmHarness } from '../../test-support/workflow/vm-harness.ts';
import { ENDINGS, liveEnding } from './endings.ts';
import { IMAGE_LIVES } from './image-lives.ts';
import { livePatch, PATCH_HISTORIES } from './patch-lives.ts';
import { PLACED_LIVES } from './placed-lives.ts';
import { POOL_LIVES } from './pool-lives.ts';
import { REQUEST_LIVES } from './request-lives.ts';
import { TEMPLATE_LIVES } from './template-lives.ts';
import { WEBHOOK_LIVES } from './webhook-lives.ts';

type Lived = (harness: VmHarness) => Promise<{ workflowId: string; runId: string }>;
const OF_PATCHES = PATCH_HISTORIES.map((name): [string, Lived] => [name, (on) => livePatch(on, name)]);
const OTHER_LIVES: Readonly<Record<string, Lived>> = {
  ...{ ...PLACED_LIVES, ...TEMPLATE_LIVES, ...POOL_LIVES, ...IMAGE_LIVES, ...REQUEST_LIVES, ...WEBHOOK_LIVES },
  ...Object.fromEntries(OF_PATCHES),
};
const folder = fileURLToPath(new URL('./histories/', import.meta.url));
await mkdir(folder, { recursive: true });
const harness = await startVmHarness();
const root = fileURLToPath(new URL('../../', import.meta.url));
const asked = process.argv.slice(2);
const { cliPath, address } = harness.server;
try {
  for (const name of asked.length > 0 ? asked : Object.keys({ ...ENDINGS, ...OTHER_LIVES })) {
    const { workflowId, runId } = await (OTHER_LIVES[name]?.(harness) ?? endingRun(name));
    const run = ['--workflow-id', workflowId, '--run-id', runId];
    const show = ['workflow', 'show', ...run, '--address', address, '-n', TEST_NAMESPACE, '--output', 'json'];
    // Stack traces name the place of the checkout, which is nobody's business.
    const history = execFileSync(cliPath, show, { encoding: 'utf8' }).replaceAll(root, '');
    await writeFile(`${folder}${name}.json`, history);
    console.log(`${name}: ${String((JSON.parse(history) as { events: [] }).events.length)} events`);
  }
} finally {
  await harness.stop();
}

async function endingRun(name: string): Promise<{ workflowId: string; runId: string }> {
  const { workflowId, firstExecutionRunId: runId } = await liveEnding(harness, name);
  return { workflowId, runId };
}
