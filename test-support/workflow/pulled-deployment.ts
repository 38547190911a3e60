/** A deployment of its own whose hosts pull creates: a control worker and a queue; hosts in memory are added by the test. */
import { randomUUID } from 'node:crypto';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import type { runVm } from '../../workflows/vm/vm.ts';
import { signedStart } from '../signed-start.ts';
import type { TestServer } from '../temporal-server.ts';
import { startHostInMemory, type HostInMemory, type HostInMemoryOptions } from './host-in-memory.ts';
import { runWorker, testSpec, workflowBundle, type VmHandle } from './vm-harness.ts';

export interface PulledDeployment {
  controlTaskQueue: string;
  host: (hostId: string, cpus: number, more?: Partial<HostInMemoryOptions>) => Promise<HostInMemory>;
  /** `before`: as an API started it before hosts pulled creates. */
  start: (changes?: Partial<Omit<VmSpec, 'idle'>>, as?: 'now' | 'before') => Promise<VmHandle>;
  stop: () => Promise<void>;
}

export async function startPulledDeployment(server: TestServer): Promise<PulledDeployment> {
  const controlTaskQueue = `pulled-${randomUUID().slice(0, 8)}`;
  const stops = [await runWorker(server, { taskQueue: controlTaskQueue, workflowBundle: await workflowBundle() })];
  return {
    controlTaskQueue,
    host: async (hostId, cpus, more = {}) => {
      const total = { cpus, memoryMb: 1_000_000, diskGb: 1000 };
      const host = await startHostInMemory(server, { controlTaskQueue, hostId, total, ...more });
      stops.push(host.stop);
      return host;
    },
    start: (changes = {}, as = 'now') => {
      const name = `vm-${randomUUID().slice(0, 8)}`;
      const readiness = { kind: 'machine', port: null, path: null, timeoutSeconds: 60 } as const;
      const spec = testSpec({ readiness, ...changes });
      return server.client.workflow.start<typeof runVm>('vm', {
        workflowId: vmWorkflowId('default', name),
        taskQueue: controlTaskQueue,
        args: [signedStart({ project: 'default', name, spec, ...(as === 'now' ? { placement: 'host' } : {}) })],
      });
    },
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}
