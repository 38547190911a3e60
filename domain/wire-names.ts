/**
 * Every name that another program may type, store or send: workflow types and ids, signals, queries,
 * updates, search attributes, task queues and memo keys. They are stable; `test/unit/domain/wire-names.test.ts`
 * compares them with a stored snapshot.
 */

export const WORKFLOW_TYPE = {
  vm: 'vm',
  sweep: 'sweep',
  host: 'host',
  /** Spends a join token by being there. */
  join: 'join',
  template: 'template',
  /** A machine that waits for its VM. */
  warm: 'warm',
  /** The warm machines of a template. */
  pool: 'pool',
  /** Says by being there which VM an Idempotency-Key got. */
  given: 'given',
  /** The images of one name, or of one session. */
  image: 'image',
  /** One look for images that are kept no longer. */
  imageSweep: 'imageSweep',
  /** The requests for one name that are done later, in their order. */
  requests: 'requests',
  /** An endpoint that is told what happens in its project. */
  webhook: 'webhook',
} as const;

/** Types of workflows that own machines, and publish which one. */
export const OWNER_TYPES = [WORKFLOW_TYPE.vm, WORKFLOW_TYPE.warm] as const;

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
  /** From its template: `{below, revision, uid}`, VMs of versions below make room as soon as nobody uses them. */
  rollOver: 'rollOver',
  /** Durable form of the `destroy` update; both take `{force: true}`. See docs/decisions/0003. */
  destroy: 'destroy',
  /** Durable forms of the updates `stop`, `start`, `suspend` and `resume`; what takes a VM down takes `{force: true}`. */
  stop: 'stop',
  start: 'start',
  suspend: 'suspend',
  resume: 'resume',
  /** Durable forms of the updates of these names; both take `{force: true}`, a snapshot `{family, name}` too. */
  close: 'close',
  snapshot: 'snapshot',
} as const;

/** To the workflow of a host; its `view` query answers as a VM's does. */
export const HOST_SIGNAL = {
  /** From the host itself, after it has reconciled and before it takes work. */
  ready: 'hostReady',
  /** No more creates; what is there goes on. */
  cordon: 'cordon',
  /** Takes back a cordon or a drain. */
  uncordon: 'uncordon',
  /** Cordon, and drain its VMs until none is left. */
  drain: 'drain',
  /** Out of the registry. */
  remove: 'remove',
} as const;

/** To the workflow of a template; its `view` query answers as a VM's does. */
export const TEMPLATE_SIGNAL = {
  /** `{content, contentHash, putId, createdBy}`: a new version, unless the newest one has the same content. */
  put: 'put',
  delete: 'delete',
  /** From a VM of a version on trial: `{version, outcome}`. */
  createEnded: 'createEnded',
  /** From its pool: `{version}`, the first machine of that version waits. */
  firstWarm: 'firstWarm',
} as const;

/** How a machine moves from a `warm` workflow to a VM (domain/pool/handover.ts). */
export const HANDOVER_SIGNAL = {
  /** Pool to warm machine: `{request, seconds}`. */
  granted: 'granted',
  /** VM to warm machine: `{by: {workflowId, runId}}`. */
  adopt: 'adopt',
  /** The answer: `{machineId, machine}`, with no machine where it is refused. */
  adoptAnswer: 'adoptAnswer',
  /** VM to warm machine: `{by}`; then it is the VM's, or was given back. */
  taken: 'taken',
  returned: 'returned',
  /** Pool to warm machine: nobody is granted it any more. */
  retire: 'retire',
} as const;

/** To a pool. Its update `claim` takes `{requests: [{id}…]}`. */
export const POOL_SIGNAL = {
  /** `{template}`: what it makes machines from, and how many. */
  configure: 'configure',
  /** Warm machine to pool: `{machineId, host, zone}`. */
  ready: 'warmReady',
  /** Warm machine to pool: `{machineId}`; its host takes no creates any more. */
  evicted: 'warmEvicted',
  /** `{machineId, failed}`: its workflow closes; why, where it never got ready. */
  over: 'warmOver',
} as const;

/** To a family of images. */
export const IMAGE_SIGNAL = {
  /** `{token}`: the start that took an image is there, or was given up. */
  release: 'releaseImage',
} as const;

/** To the workflow of the requests for a name; its `view` query answers with all that are known. */
export const REQUEST_SIGNAL = {
  /** From the API alone, which sealed it: `{id, operation, createdBy, sealed, fingerprint, acceptedAt, expiresAt}`. */
  accept: 'acceptRequest',
  /** `{id}`: one that still waits is not done. */
  cancel: 'cancelRequest',
} as const;

/** To the workflow of an endpoint; its `view` query answers as a VM's does. */
export const WEBHOOK_SIGNAL = {
  /** One that was disabled goes on. */
  enable: 'enableWebhook',
  /** A message as domain/webhook/message.ts makes it: a test, or one of before. */
  send: 'sendMessage',
} as const;

export const QUERY = {
  view: 'view',
  timeline: 'timeline',
  /** The sealed text, for the API to open. */
  sealedInput: 'sealedInput',
  /** Of a family of images: what VMs start from. */
  keptImages: 'keptImages',
  /** Of a template: what one of its versions says, by its number. */
  version: 'version',
  /** Of a pool: how its numbers went. */
  history: 'history',
} as const;

export const UPDATE = {
  awaitReady: 'awaitReady',
  exchange: 'exchange',
  destroy: 'destroy',
  /** Refused while the VM has users, unless it takes `{force: true}`. */
  stop: 'stop',
  /** Wakes a stopped VM, and one that is suspended. */
  start: 'start',
  /** As a stop, with the memory of the machine. */
  suspend: 'suspend',
  resume: 'resume',
  /** Gives a VM that drains to another create: `{uid, claim}`. */
  takeBack: 'takeBack',
  /** An image of the disk, and the end of the VM. */
  close: 'close',
  /** An image of the disk; the VM goes on. */
  snapshot: 'snapshot',
  /** To a pool. */
  claim: 'claim',
  /** From a VM to a family: it is about to have an image made. */
  beginImage: 'beginImage',
  /** From a VM to a family: an image that is whole, or why there is none. */
  keepImage: 'keepImage',
  imageFailed: 'imageFailed',
  /** To a family: `{imageIds}`. */
  deleteImages: 'deleteImages',
  /** To a family: `{vm, token}`, a start is about to begin with its newest image. */
  takeImage: 'takeImage',
  /** To a family: `{dirtySeconds, retentionSeconds}`. */
  sweepImages: 'sweepImages',
} as const;

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
  /** Hash of a request that names a template: a repeat of it means the same VM, whatever the template is by then. */
  requestHash: 'requestHash',
  /** Hash of the Idempotency-Key a named VM was created with. */
  idempotencyKeyHash: 'idempotencyKeyHash',
  /** The view of a host, in the workflow of the host. */
  host: 'host',
  /** The view of a template, in the workflow of the template. */
  template: 'template',
  /** The view of a pool, in its workflow. */
  pool: 'pool',
  /** What there is of a family of images, in its workflow. */
  image: 'image',
  /** Of a spent join token: which host has it, and the hash of the key by which that host may ask again. */
  join: 'join',
  /** Of a workflow of type `given`: the VM that the Idempotency-Key got, and hashes of what was asked for. */
  given: 'given',
  /** What waits for a name and what came of the rest, in the workflow of its requests. */
  requests: 'requests',
  /** The view of an endpoint, in its workflow. */
  webhook: 'webhook',
} as const;

/** Workflow tasks of every VM run here; activities run on the queues of machines below. */
export const CONTROL_TASK_QUEUE = 'ephemera-control';

/**
 * Creates of machines of `provider`, and base name of the queues of machines that any of its workers serves. Hosts serve
 * every machine activity here: control workers from before the other queues existed scheduled all of them on this one.
 */
export function machineTaskQueue(provider: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${controlTaskQueue}.machines.${provider}`;
}

/** Creates that hosts pull by size, zone and labels; `lane` is of domain/capacity/create-lanes.ts. */
export function createTaskQueue(provider: string, lane: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${machineTaskQueue(provider, controlTaskQueue)}.create.${lane}`;
}

/** Base name of the queues of machines that one host made and knows alone. */
export function hostMachineTaskQueue(
  provider: string,
  hostId: string,
  controlTaskQueue: string = CONTROL_TASK_QUEUE,
): string {
  return `${machineTaskQueue(provider, controlTaskQueue)}.host.${hostId}`;
}

/** Waits for machines that boot: each holds a slot of its worker for the whole boot. `queue`: a base name. */
export function bootTaskQueueOf(queue: string): string {
  return `${queue}.boot`;
}

/** Destroys, questions to machines, and sweeps: what no create and no boot may hold up. `queue`: a base name. */
export function maintenanceTaskQueueOf(queue: string): string {
  return `${queue}.maintenance`;
}

/** Polled by each worker of a host, to be seen by others; nothing is ever scheduled here. */
export function hostClaimTaskQueue(hostId: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${hostTaskQueue(hostId, controlTaskQueue)}.claim`;
}

/** Polled by replicas of the API, which do the requests that wait. */
export function requestTaskQueue(controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${controlTaskQueue}.requests`;
}

/** Polled by replicas of the API, which see what happens and tell endpoints. */
export function webhookTaskQueue(controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${controlTaskQueue}.webhooks`;
}

/** The lease of a host, and nothing else. */
export function hostTaskQueue(hostId: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return `${controlTaskQueue}.hosts.${hostId}`;
}

/**
 * Deployments that share a namespace may share a computer, and so the host's id, and have projects of one name: one with a
 * control queue of its own adds that.
 */
function ofDeployment(id: string, controlTaskQueue: string): string {
  return controlTaskQueue === CONTROL_TASK_QUEUE ? id : `${id}@${controlTaskQueue}`;
}

/** `host/<id>`: the workflow of a host. */
export function hostWorkflowId(hostId: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return ofDeployment(`host/${hostId}`, controlTaskQueue);
}

/** `template/<project>/<name>`: the workflow of a template. */
export function templateWorkflowId(
  project: string,
  name: string,
  controlTaskQueue: string = CONTROL_TASK_QUEUE,
): string {
  return ofDeployment(`template/${project}/${name}`, controlTaskQueue);
}

/** `vm/<project>/<name>`: a VM's workflow id, so a name is unique among a project's live VMs. */
export function vmWorkflowId(project: string, name: string): string {
  return `vm/${project}/${name}`;
}

/** `warm/<machineId>`: the workflow that owns a machine before a VM does. */
export function warmWorkflowId(machineId: string): string {
  return `warm/${machineId}`;
}

/** The machine in the id of a `warm` workflow, or undefined when it is of another kind. */
export function parseWarmWorkflowId(workflowId: string): string | undefined {
  const [kind, machineId, ...rest] = workflowId.split('/');
  return kind === 'warm' && machineId && rest.length === 0 ? machineId : undefined;
}

/** `pool/<project>/<template>`: the workflow of a pool. */
export function poolWorkflowId(
  project: string,
  template: string,
  controlTaskQueue: string = CONTROL_TASK_QUEUE,
): string {
  return ofDeployment(`pool/${project}/${template}`, controlTaskQueue);
}

/** `image/<project>/<family>`: the workflow of a family of images. That of a VM's own images has the VM's name. */
export function imageWorkflowId(
  project: string,
  family: string,
  controlTaskQueue: string = CONTROL_TASK_QUEUE,
): string {
  return ofDeployment(`image/${project}/${family}`, controlTaskQueue);
}

/** The project and family in the id of a family's workflow, or undefined when it is of another kind. */
export function parseImageWorkflowId(workflowId: string): { project: string; family: string } | undefined {
  const [kind, project, rest, ...more] = workflowId.split('/');
  const [family] = rest?.split('@') ?? [];
  if (kind !== 'image' || !project || !family || more.length > 0) return undefined;
  return { project, family };
}

/** `requests/<project>/<name>`: the workflow of the requests for a name. */
export function requestsWorkflowId(
  project: string,
  name: string,
  controlTaskQueue: string = CONTROL_TASK_QUEUE,
): string {
  return ofDeployment(`requests/${project}/${name}`, controlTaskQueue);
}

/** `webhook/<project>/<id>`: the workflow of an endpoint. */
export function webhookWorkflowId(project: string, id: string, controlTaskQueue: string = CONTROL_TASK_QUEUE): string {
  return ofDeployment(`webhook/${project}/${id}`, controlTaskQueue);
}

/** The project in the id of an endpoint's workflow, or undefined when it is of another kind. */
export function projectOfWebhook(workflowId: string): string | undefined {
  const [kind, project, id, ...rest] = workflowId.split('/');
  return kind === 'webhook' && project && id && rest.length === 0 ? project : undefined;
}

/** Id of a deployment's sweep schedule; its workflows get it as a prefix. */
export function sweepId(deployment: string): string {
  return `sweep/${deployment}`;
}

/** Id of the schedule by which a deployment's images are swept; its workflows get it as a prefix. */
export function imageSweepId(deployment: string): string {
  return `image-sweep/${deployment}`;
}

/** `join/<id of the token>`: a token is spent once a workflow of this id was started. */
export function joinWorkflowId(tokenId: string): string {
  return `join/${tokenId}`;
}

/** By which the API tells a worker whose console it wants: the workflow id of the machine's owner. */
export const CONSOLE_OWNER_HEADER = 'x-ephemera-owner';
/** The same, for workers and from APIs of before. */
export const CONSOLE_VM_HEADER = 'x-ephemera-vm';

/** The project and name in a VM's workflow id, or undefined when it is no VM's. */
export function parseVmWorkflowId(workflowId: string): { project: string; name: string } | undefined {
  const [kind, project, name, ...rest] = workflowId.split('/');
  if (kind !== 'vm' || !project || !name || rest.length > 0) return undefined;
  return { project, name };
}
