import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { loadSettings } from '../../../config/load-settings.ts';
import { hostKeysForAllProviders } from '../../../security/hosts/host-keys.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestServer, TEST_NAMESPACE, type TestServer } from '../../../test-support/temporal-server.ts';
import { openPolls } from '../../../test-support/trials/server-requests.ts';
import { workflowBundle } from '../../../test-support/workflow/vm-harness.ts';
import { startWorker, type RunningWorker } from '../../../worker/run-worker.ts';

/** What Temporal allows at once for a namespace on each front end unless told otherwise. */
const ALLOWED = 1200;
/** In docs/hosts.md. */
const IDLE_HOST = 22;
/** While much comes: three polls instead of one for boots and for maintenance, and three more for creates. */
const BUSY_HOST = IDLE_HOST + 7;
/** Temporal itself polls a little in each namespace. */
const OF_TEMPORAL = 2;

let server: TestServer;
let stateDir: string;
const workers: RunningWorker[] = [];
beforeAll(async () => {
  server = await startTestServer();
  stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.shutdown()));
  await server.stop();
  await rm(stateDir, { recursive: true, force: true });
});

async function start(roles: 'control' | 'host'): Promise<void> {
  const env = {
    ...{ EPHEMERA_STATE_DIR: stateDir, EPHEMERA_INTERNAL_PORT: '0', EPHEMERA_WORKER_ROLES: roles },
    // The most queues that a host of one provider has.
    ...{ EPHEMERA_HOST_ZONE: 'attic', EPHEMERA_HOST_CPUS: '64', EPHEMERA_SWEEP_INTERVAL_SECONDS: '3600' },
    ...{ TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: TEST_NAMESPACE },
  };
  const settings = loadSettings({ argv: [], env, cwd: stateDir });
  const log = pino({ level: 'silent' });
  const keys = hostKeysForAllProviders(new Uint8Array(32));
  const parts = { vmServerFile: await buildVmServer(), workflowBundle: await workflowBundle() };
  workers.push(await startWorker({ settings, connection: { address: server.address }, keys, log, ...parts }));
}

const polls = (): Promise<number> => openPolls(server, TEST_NAMESPACE, 'PollActivityTaskQueue');

describe('the polls that are open in a namespace', () => {
  it('leave room for 40 hosts beside 3 control workers, idle or busy', async () => {
    await start('control');
    await eventually(async () => expect(await polls()).toBeGreaterThan(OF_TEMPORAL));
    const ofControl = (await polls()) - OF_TEMPORAL;
    await start('host');
    await eventually(async () => expect(await polls()).toBe(OF_TEMPORAL + ofControl + IDLE_HOST), 20_000);
    expect(OF_TEMPORAL + 3 * ofControl + 40 * BUSY_HOST).toBeLessThanOrEqual(ALLOWED);
  });
});
