/**
 * Every name that another program may type, store or send: workflow types and ids, signals, queries,
 * updates, search attributes, task queues and memo keys. They are stable; `test/unit/wire-names.test.ts`
 * compares them with a stored snapshot.
 */

export const WORKFLOW_TYPE = { vm: 'vm', sweep: 'sweep' } as const;

export const SIGNAL = {
  /** An agent's count: `{machineId, sequence, connections, sentAt}`. */
  report: 'report',
  /** The form a person types: `--name connections --input 0`. */
  connections: 'connections',
  /** This, `undrain`, `hold` and `destroy` take `{uid}` as their last argument: the one life that is meant. */
  drain: 'drain',
  undrain: 'undrain',
  /** Postpones idleness: `--name hold --input 3600` (seconds). */
  hold: 'hold',
  machineLost: 'machineLost',
  /** Durable form of the `destroy` update; both take `{force: true}`. See docs/decisions/0003. */
  destroy: 'destroy',
} as const;

export const QUERY = {
  view: 'view',
  timeline: 'timeline',
  /** The sealed text, for the API to open. */
  sealedInput: 'sealedInput',
} as const;

export const UPDATE = { awaitReady: 'awaitReady', exchange: 'exchange', destroy: 'destroy' } as const;

/** Typed search attributes; `type` is Temporal's name of the value type. */
export const SEARCH_ATTRIBUTE = {
  state: { name: 'VmState', type: 'KEYWORD' },
  project: { name: 'VmProject', type: 'KEYWORD' },
  template: { name: 'VmTemplate', type: 'KEYWORD' },
  provider: { name: 'VmProvider', type: 'KEYWORD' },
  host: { name: 'VmHost', type: 'KEYWORD' },
  machine: { name: 'VmMachine', type: 'KEYWORD' },
  labels: { name: 'VmLabels', type: 'KEYWORD_LIST' },
  updatedAt: { name: 'VmUpdatedAt', type: 'DATETIME' },
} as const;

/** One memo entry holds the view and its last numbered events; the others are set at start and never change. */
export const MEMO = {
  vm: 'vm',
  /** The whole spec; VMs that were started before this entry was there have it in their view. */
  spec: 'spec',
  /** Hash of the normalised spec: tells a repeated create from a conflicting one. */
  specHash: 'specHash',
  /** Hash of the Idempotency-Key a named VM was created with. */
  idempotencyKeyHash: 'idempotencyKeyHash',
} as const;

/** Workflow tasks of every VM run here; activities run on {@link machineTaskQueues}. */
export const CONTROL_TASK_QUEUE = 'ephemera-control';

/**
 * Creates of machines of `provider`. Hosts serve every machine activity here: control workers from before the other
 * queues existed scheduled all of them on this one.
 */
export function machineTaskQueue(provider: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${controlTaskQueue}.machines.${provider}`;
}

/** Waits for machines that boot: each holds a slot of its worker for the whole boot. */
export function machineBootTaskQueue(provider: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${machineTaskQueue(provider, controlTaskQueue)}.boot`;
}

/** Destroys, questions to machines, and sweeps: what no create and no boot may hold up. */
export function machineMaintenanceTaskQueue(provider: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${machineTaskQueue(provider, controlTaskQueue)}.maintenance`;
}

/** Polled by the host that has the provider, to be seen by others; nothing is ever scheduled here. */
export function hostClaimTaskQueue(provider: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${machineTaskQueue(provider, controlTaskQueue)}.hosts`;
}

/** Every queue whose activities the hosts of `provider` run, the one of the creates first. */
export function machineTaskQueues(provider: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string[] {
  return [machineTaskQueue, machineBootTaskQueue, machineMaintenanceTaskQueue].map((name) =>
    name(provider, controlTaskQueue),
  );
}

/** `vm/<project>/<name>`: a VM's workflow id, so a name is unique among a project's live VMs. */
export function vmWorkflowId(project: string, name: string): string {
  return `vm/${project}/${name}`;
}

/** Id of a deployment's sweep schedule; its workflows get it as a prefix. */
export function sweepId(deployment: string): string {
  return `sweep/${deployment}`;
}

/** By which the API tells a worker whose console it wants: the workflow id of a VM. */
export const CONSOLE_OWNER_HEADER = 'x-ephemera-vm';

/** The project and name in a VM's workflow id, or undefined when it is no VM's. */
export function parseVmWorkflowId(workflowId: string): { project: string; name: string } | undefined {
  const [kind, project, name, ...rest] = workflowId.split('/');
  if (kind !== 'vm' || !project || !name || rest.length > 0) return undefined;
  return { project, name };
}
