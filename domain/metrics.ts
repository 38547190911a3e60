/**
 * Every metric of ours, with its labels and what it tells. Names follow Prometheus' conventions and are stable:
 * dashboards and alerts are built on them. docs/metrics.md is generated from this.
 */
interface MetricText {
  /** The processes that show it. */
  from: readonly ('API' | 'worker' | 'gateway')[];
  help: string;
  /** Each takes few values: no VM, machine, key or project is a label. */
  labels: readonly string[];
}
export type MetricDefinition = MetricText &
  ({ kind: 'counter' } | { kind: 'gauge' } | { kind: 'histogram'; bucketsSeconds: readonly number[] });

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const CALL_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const LIFE_SECONDS = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400, 604_800];
const AGE_SECONDS = [1, 5, 15, 30, 60, 120, 300, 600, 1800];

export const METRICS = {
  ephemera_vms: {
    ...{ kind: 'gauge', from: ['API'], labels: ['state', 'template', 'provider'] },
    help: 'VMs whose workflow runs. Every API replica counts all of them: take the max over replicas, not the sum. Beyond 50 templates the rarest are called other.',
  },
  ephemera_vms_silent: {
    ...{ kind: 'gauge', from: ['API'], labels: ['provider'] },
    help: 'VMs whose agent has been silent too long, so that nobody knows whether they are used. Part of ephemera_vms.',
  },
  ephemera_projection_age_seconds: {
    ...{ kind: 'gauge', from: ['API'], labels: [] },
    help: 'Since this replica last read the list of VMs from Temporal. A healthy one is below 2 seconds.',
  },
  ephemera_event_watchers: {
    ...{ kind: 'gauge', from: ['API'], labels: [] },
    help: 'Streams of live events (GET /v1/events) that are open at this replica.',
  },
  ephemera_http_request_duration_seconds: {
    ...{ kind: 'histogram', from: ['API'], labels: ['method', 'route', 'status', 'waited'] },
    bucketsSeconds: REQUEST_SECONDS,
    help: 'Requests of the API by route template. waited is yes where the caller asked with ?wait to be answered later; status 499 is a caller that hung up; route other is a path that is not served.',
  },
  ephemera_http_problems_total: {
    ...{ kind: 'counter', from: ['API'], labels: ['code'] },
    help: 'Requests answered with a problem, by its documented code: rateLimited, unauthenticated, forbidden, tokenRefused and all others.',
  },
  ephemera_agent_reports_total: {
    ...{ kind: 'counter', from: ['API', 'worker'], labels: ['transport'] },
    help: 'Reports of agents: over http to the API, over a channel to the worker of their host.',
  },
  ephemera_agent_signals_total: {
    ...{ kind: 'counter', from: ['API', 'worker'], labels: ['transport'] },
    help: 'Reports that were forwarded to their workflow as a signal.',
  },
  ephemera_agent_signals_saved_total: {
    ...{ kind: 'counter', from: ['API', 'worker'], labels: ['transport'] },
    help: 'Reports that needed no signal: what the workflow knows was still right.',
  },
  ephemera_agent_forwarded_age_seconds: {
    ...{ kind: 'histogram', from: ['API'], labels: [] },
    bucketsSeconds: AGE_SECONDS,
    help: 'When a report came over http: how old the last one was that its workflow got.',
  },
  ephemera_agent_links: {
    ...{ kind: 'gauge', from: ['worker'], labels: ['provider'] },
    help: 'Links to agents that this host keeps open.',
  },
  ephemera_agent_report_age_median_seconds: {
    ...{ kind: 'gauge', from: ['worker'], labels: ['provider'] },
    help: 'Age of the last report over a link: the median of those links that ever had one.',
  },
  ephemera_agent_report_age_max_seconds: {
    ...{ kind: 'gauge', from: ['worker'], labels: ['provider'] },
    help: 'Age of the last report over the link that has been silent longest.',
  },
  ephemera_vm_create_to_ready_seconds: {
    ...{ kind: 'histogram', from: ['worker'], labels: ['provider'] },
    bucketsSeconds: LIFE_SECONDS,
    help: 'From the create of a VM until it was ready; the machine that replaces a lost one does not count.',
  },
  ephemera_vm_state_duration_seconds: {
    ...{ kind: 'histogram', from: ['worker'], labels: ['state', 'provider'] },
    bucketsSeconds: LIFE_SECONDS,
    help: 'How long VMs were in a state that they left.',
  },
  ephemera_vms_ended_total: {
    ...{ kind: 'counter', from: ['worker'], labels: ['reason', 'provider'] },
    help: 'VMs whose machine was seen gone, by why they ended. Terminated ones are not among them: their machines are swept.',
  },
  ephemera_machines_lost_total: {
    ...{ kind: 'counter', from: ['worker'], labels: ['provider'] },
    help: 'Machines that vanished under their VM, whether the VM ended or got another one.',
  },
  ephemera_provider_operations_total: {
    ...{ kind: 'counter', from: ['worker'], labels: ['provider', 'operation', 'code'] },
    help: 'Calls of a provider by how they ended: ok, cancelled, unexpected, or the code of the error.',
  },
  ephemera_provider_operation_duration_seconds: {
    ...{ kind: 'histogram', from: ['worker'], labels: ['provider', 'operation'] },
    bucketsSeconds: CALL_SECONDS,
    help: 'How long the calls of a provider took, however they ended.',
  },
  ephemera_sweeps_total: {
    ...{ kind: 'counter', from: ['worker'], labels: ['provider', 'outcome'] },
    help: 'Sweeps by how they ended: done or failed. Dry runs do not count.',
  },
  ephemera_orphans_found_total: {
    ...{ kind: 'counter', from: ['worker'], labels: ['provider'] },
    help: 'Machines that sweeps found without an owner. One that could not be destroyed is found again.',
  },
  ephemera_machines_swept_total: {
    ...{ kind: 'counter', from: ['worker'], labels: ['provider'] },
    help: 'Machines that sweeps destroyed.',
  },
  ephemera_machines_unattributed: {
    ...{ kind: 'gauge', from: ['worker'], labels: ['provider'] },
    help: 'Machines without a trace of an owner in the latest sweep of this worker. They are never touched: see GET /v1/sweep.',
  },
  ephemera_images_deleted_total: {
    ...{ kind: 'counter', from: ['worker'], labels: ['reason', 'provider'] },
    help: 'Images of machines that were deleted where they are: requested, dirty for too long, or past their retention.',
  },
  ephemera_host_capacity_cpus: {
    ...{ kind: 'gauge', from: ['worker'], labels: [] },
    help: 'Virtual cpus that this host gives to machines. Hosts whose room is not limited show none of these.',
  },
  ephemera_host_free_cpus: {
    ...{ kind: 'gauge', from: ['worker'], labels: [] },
    help: 'Virtual cpus that no machine has.',
  },
  ephemera_host_capacity_memory_bytes: {
    ...{ kind: 'gauge', from: ['worker'], labels: [] },
    help: 'Memory that this host gives to machines.',
  },
  ephemera_host_free_memory_bytes: {
    ...{ kind: 'gauge', from: ['worker'], labels: [] },
    help: 'Memory that no machine has.',
  },
  ephemera_host_capacity_disk_bytes: {
    ...{ kind: 'gauge', from: ['worker'], labels: [] },
    help: 'Disk that this host gives to machines.',
  },
  ephemera_host_free_disk_bytes: {
    ...{ kind: 'gauge', from: ['worker'], labels: [] },
    help: 'Disk that no machine has.',
  },
  ephemera_host_waiting_creates: {
    ...{ kind: 'gauge', from: ['worker'], labels: [] },
    help: 'Creates that wait for room in the queues that this host pulls from; some seconds old.',
  },
  ephemera_gateway_connections: {
    ...{ kind: 'gauge', from: ['gateway'], labels: ['kind'] },
    help: 'Connections of visitors to VMs that are open through this gateway: http (a request that is answered), webSocket or tcp.',
  },
  ephemera_gateway_passed_total: {
    ...{ kind: 'counter', from: ['gateway'], labels: ['kind'] },
    help: 'Requests, WebSockets and TCP connections that were passed on to a VM.',
  },
  ephemera_gateway_bytes_total: {
    ...{ kind: 'counter', from: ['gateway'], labels: ['kind', 'direction'] },
    help: 'Bytes that went to VMs (toVm) and came from them (fromVm), those of open connections included.',
  },
  ephemera_gateway_refused_total: {
    ...{ kind: 'counter', from: ['gateway'], labels: ['kind', 'code'] },
    help: 'Visits that were refused, by the code of the page or problem: linkNeeded, waking, unknownVm, apiUnavailable and all others of docs/gateway.md.',
  },
  ephemera_gateway_wakes_total: {
    ...{ kind: 'counter', from: ['gateway'], labels: ['how', 'outcome'] },
    help: 'VMs that visitors woke: start of a stopped or suspended one, reopen of a closed one; done or failed.',
  },
  ephemera_gateway_counts_unsaid_total: {
    ...{ kind: 'counter', from: ['gateway'], labels: [] },
    help: 'Times that the API did not take the count of a VM. It is said again; for how long that ends no VM is in docs/gateway.md.',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

/** Those that workflow code records, through Temporal's SDK. */
export const WORKFLOW_METRICS = [
  'ephemera_vm_create_to_ready_seconds',
  'ephemera_vm_state_duration_seconds',
  'ephemera_vms_ended_total',
  'ephemera_machines_lost_total',
  'ephemera_images_deleted_total',
] as const satisfies readonly MetricName[];
export type WorkflowMetricName = (typeof WORKFLOW_METRICS)[number];

/** The labels of a metric, each with its value. */
export type MetricLabels<Name extends MetricName> = Record<(typeof METRICS)[Name]['labels'][number], string>;

/** Names of the metrics of one kind. */
export type MetricOfKind<Kind extends MetricDefinition['kind']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];
