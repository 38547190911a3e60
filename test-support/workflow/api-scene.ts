import type { TestServer } from '../temporal-server.ts';
import { startTestApi, type TestApi } from './api-harness.ts';
import type { FakeMachines } from './fake-machines.ts';
import { startVmHarness } from './vm-harness.ts';

/** A Temporal server, a control worker, a host with machines in memory, and one replica of the API. */
export interface ApiScene {
  server: TestServer;
  park: FakeMachines;
  /** The control task queue. */
  queue: string;
  api: TestApi;
  stop: () => Promise<void>;
}

/** `title` makes the names of the queues, so that a failing test says whose they are. */
export async function startApiScene(title: string, options?: Parameters<typeof startTestApi>[2]): Promise<ApiScene> {
  const harness = await startVmHarness();
  const { park, queue } = await harness.park(title);
  const api = await startTestApi(harness.server, queue, options);
  const stop = async (): Promise<void> => {
    await api.close();
    await harness.stop();
  };
  return { server: harness.server, park, queue, api, stop };
}
