/**
 * Lets the Temporal SDK download the CLI into a directory (first argument). Starting a server is the SDK's only
 * way to do so; in a process of its own it can be given up.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [downloadDir] = process.argv.slice(2);
if (downloadDir === undefined) throw new Error('usage: download-temporal-cli.ts DIRECTORY');
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir, ttl: '365 days' } },
});
await environment.teardown();
