/**
 * One process of the bench of lives with several: `tsx lives-process.ts control|host ADDRESS ID BUNDLES`, the directory where
 * its parent has put the bundled workflows. Says `ready` to it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEntry } from '@temporalio/worker';
import { Client, Connection } from '@temporalio/client';
import { TEST_NAMESPACE } from '../../test-support/temporal-server.ts';
import { FakeMachines } from '../../test-support/workflow/fake-machines.ts';
import { destroySignal } from '../../workflows/messages.ts';
import { LIVES_BUNDLE, LIVES_WORKER_OPTIONS, PEER_QUEUE, VM_QUEUE } from './lives-queues.ts';
import { installQuietRuntime, runBenchHost, runBenchWorker } from './workers.ts';

const [role = '', address = '', id = '', bundles = ''] = process.argv.slice(2);
const bundle = (name: string): { code: string } => ({ code: readFileSync(join(bundles, name), 'utf8') });
const client = new Client({ connection: await Connection.connect({ address }), namespace: TEST_NAMESPACE });

/** A VM is asked to end by a signal as soon as its workflow says that it runs. */
installQuietRuntime(({ meta }: LogEntry) => {
  if (meta?.['to'] !== 'running') return;
  void client.workflow.getHandle(String(meta['workflowId'])).signal(destroySignal);
});

if (role === 'control') {
  const vm = { ...LIVES_WORKER_OPTIONS, taskQueue: VM_QUEUE, workflowBundle: bundle(LIVES_BUNDLE.vm) };
  const peer = { ...LIVES_WORKER_OPTIONS, taskQueue: PEER_QUEUE, workflowBundle: bundle(LIVES_BUNDLE.peer) };
  await Promise.all([runBenchWorker(address, vm), runBenchWorker(address, peer)]);
} else {
  const activities = { create: (name: string) => Promise.resolve(name), destroy: () => Promise.resolve() };
  await Promise.all([
    runBenchHost(address, VM_QUEUE, { ...LIVES_WORKER_OPTIONS, activities: new FakeMachines().activities() }, id),
    runBenchWorker(address, { ...LIVES_WORKER_OPTIONS, taskQueue: PEER_QUEUE, activities }),
  ]);
}
process.send?.('ready');
