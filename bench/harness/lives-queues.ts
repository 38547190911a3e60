import type { WorkerOptions } from '@temporalio/worker';

/** Where the lives that are measured and those of the peer run. */
export const VM_QUEUE = 'bench-vm';
export const PEER_QUEUE = 'bench-peer';

/** The same for every worker of both sides. */
export const LIVES_WORKER_OPTIONS = {
  maxConcurrentActivityTaskExecutions: 1000,
  maxConcurrentWorkflowTaskExecutions: 100,
  maxCachedWorkflows: 1000,
} satisfies Partial<WorkerOptions>;

/** Files of the bundled workflows, made once for all processes. */
export const LIVES_BUNDLE = { vm: 'vm.js', peer: 'peer.js' } as const;
