/**
 * Every time-out that is not the user's, in one place, with the ordering they rely on asserted below.
 * Units last in each name.
 */
export const TIMEOUTS = {
  /** An activity that runs longer than this without a heartbeat is taken from its worker. */
  activityHeartbeatSeconds: 10,
  /** Between two heartbeats of a long activity. */
  activityHeartbeatIntervalSeconds: 2,
  /** One try of a create. */
  createAttemptSeconds: 300,
  /** All tries of a create together. */
  createTotalSeconds: 900,
  /** A zone of hosts in which nobody takes a create for so long is left for the spec's next one. */
  zonePatienceSeconds: 15,
  /** One try of a stop, which lets the machine shut down first. */
  stopAttemptSeconds: 180,
  /** One try of a start; the boot is not part of it. */
  startAttemptSeconds: 120,
  /** All tries of a start together, the wait for room included. */
  startTotalSeconds: 900,
  /** One try to make an image of a stopped machine, and all of them: its VM waits for it, and its machine stays. */
  imageAttemptSeconds: 900,
  imageTotalSeconds: 1800,
  /** One try to delete an image; tries are unlimited. */
  imageDeleteAttemptSeconds: 120,
  /** One try to have a family keep an image that is whole. */
  imageKeepAttemptSeconds: 10,
  /** One look at all families for images that are kept no longer. */
  imageSweepAttemptSeconds: 120,
  /** One try of a destroy; tries are unlimited. */
  destroyAttemptSeconds: 120,
  /** Longest pause between two tries of a destroy. */
  destroyBackoffCapSeconds: 30,
  /** A forced destroy is tried this long, from when the destroy began; then the machine is left to the sweeper. */
  forcedDestroySeconds: 15,
  /** How long a request that is done later is waited for; its VM may be on its way still. */
  requestDoneSeconds: 3600,
  /** One try of such a request by one replica of the API. */
  requestAttemptSeconds: 3900,
  /** How long such a request waits for its turn unless it says otherwise. */
  requestQueueSeconds: 3600,
  /** The longest such wait that it may ask for. */
  requestQueueMaxSeconds: 86_400,
  /** An endpoint that is told what happens asks for it anew after so long without anything. */
  webhookCollectSeconds: 600,
  /** One try of that. */
  webhookCollectAttemptSeconds: 660,
  /** An endpoint has so long for its answer to one message. */
  webhookRequestSeconds: 15,
  /** Messages of one go that were not begun by then are left to the next one; */
  webhookSendSeconds: 60,
  /** and one try of a go. */
  webhookSendAttemptSeconds: 120,
  /** A VM that makes room for a newer version of its template ends when nobody has used it for so long. */
  rollOverIdleSeconds: 30,
  /** One try to tell the VMs of a template. */
  rollOverAttemptSeconds: 600,
  /** How long a probe of one machine may take. */
  probeSeconds: 20,
  /** How long a VM waits for the offer of a warm machine before it makes one of its own. */
  adoptAnswerSeconds: 10,
  /** One try to give a machine its new owner, and all of them. */
  adoptAttemptSeconds: 8,
  adoptTotalSeconds: 20,
  /** An offer that nobody answers is made again. */
  offerAgainSeconds: 30,
  /** A machine that was granted and that no VM asks for is destroyed. */
  grantSeconds: 60,
  /** A pool has so long to replace a machine whose host takes no creates any more. */
  replaceWarmSeconds: 120,
  /** A host that is asked first for a machine of a pool and does not take it in this time is passed over. */
  preferredHostSeconds: 5,
  /** How long the agent has to answer a confirm over its link. */
  confirmLinkSeconds: 5,
  /** One try of the confirm activity: longer than the agent's answer may take. */
  confirmAttemptSeconds: 8,
  /** All tries of a confirm together, including a host worker that restarts. */
  confirmTotalSeconds: 30,
  /** How soon an HTTP agent reports again when nothing happens. */
  agentReportIntervalSeconds: 20,
  /** How long a confirm waits for the next report of an agent that cannot be asked: more than one report interval. */
  confirmReportSeconds: 45,
  /** Life of an agent's report token; each report may bring a new one. */
  agentTokenSeconds: 900,
  /** A bootstrap secret that was not exchanged by then is worth nothing. */
  bootstrapSecretSeconds: 3600,
  /** Between two heartbeats of a host's lease. */
  leaseHeartbeatIntervalSeconds: 2,
  /** A host whose lease has no heartbeat for so long is away. */
  leaseHeartbeatSeconds: 10,
  /** How long a host that says that it is ready may take to accept its lease. */
  leaseStartSeconds: 15,
  /** A host stops its machines so long before it may count as lost: what looking, killing and a stall take. */
  fenceMarginSeconds: 5,
  /** The shortest EPHEMERA_HOST_LOST_SECONDS. */
  hostLostMinSeconds: 15,
  /** How long a host that is away counts as away; EPHEMERA_HOST_LOST_SECONDS sets another time. */
  hostLostSeconds: 600,
  /** After an outage of Temporal each host that was away has so long to come back, or half of its time where that is less. */
  hostReturnSeconds: 60,
} as const;

/**
 * How long an API has to be there without a break before the silence of an agent that reports to it costs its VM: longer
 * than an agent takes from one report to the next, where the user's own time-out is not even shorter.
 */
export function reachableSeconds({ silenceTimeoutSeconds }: { silenceTimeoutSeconds: number }): number {
  return Math.min(silenceTimeoutSeconds, TIMEOUTS.confirmReportSeconds);
}

/** Limits of the user's own time-outs, in seconds. */
export const TIMEOUT_LIMITS = {
  minIdleSeconds: 1,
  maxSeconds: 30 * 24 * 3600,
  /** Longest `?timeoutSeconds=` of a waiting request. */
  maxWaitSeconds: 300,
} as const;

/** Pairs that must stay ordered: the first smaller than the second. `timeouts.test.ts` asserts each. */
export const TIMEOUT_ORDER: readonly (readonly [keyof typeof TIMEOUTS, keyof typeof TIMEOUTS])[] = [
  ['activityHeartbeatIntervalSeconds', 'activityHeartbeatSeconds'],
  ['adoptAttemptSeconds', 'adoptTotalSeconds'],
  ['imageAttemptSeconds', 'imageTotalSeconds'],
  ['adoptAnswerSeconds', 'grantSeconds'],
  ['preferredHostSeconds', 'replaceWarmSeconds'],
  ['grantSeconds', 'replaceWarmSeconds'],
  ['adoptTotalSeconds', 'offerAgainSeconds'],
  ['activityHeartbeatSeconds', 'createAttemptSeconds'],
  ['createAttemptSeconds', 'createTotalSeconds'],
  ['activityHeartbeatSeconds', 'startAttemptSeconds'],
  ['startAttemptSeconds', 'startTotalSeconds'],
  ['activityHeartbeatSeconds', 'stopAttemptSeconds'],
  ['activityHeartbeatSeconds', 'destroyAttemptSeconds'],
  ['activityHeartbeatSeconds', 'forcedDestroySeconds'],
  ['confirmLinkSeconds', 'confirmAttemptSeconds'],
  ['confirmAttemptSeconds', 'confirmTotalSeconds'],
  ['agentReportIntervalSeconds', 'confirmReportSeconds'],
  ['confirmTotalSeconds', 'confirmReportSeconds'],
  ['confirmReportSeconds', 'agentTokenSeconds'],
  ['agentTokenSeconds', 'bootstrapSecretSeconds'],
  ['leaseHeartbeatIntervalSeconds', 'leaseHeartbeatSeconds'],
  ['leaseHeartbeatIntervalSeconds', 'fenceMarginSeconds'],
  ['fenceMarginSeconds', 'leaseHeartbeatSeconds'],
  ['leaseHeartbeatSeconds', 'hostLostMinSeconds'],
  ['hostLostMinSeconds', 'hostLostSeconds'],
  ['hostReturnSeconds', 'hostLostSeconds'],
  ['requestDoneSeconds', 'requestAttemptSeconds'],
  ['activityHeartbeatSeconds', 'requestAttemptSeconds'],
  ['activityHeartbeatSeconds', 'rollOverAttemptSeconds'],
  ['createTotalSeconds', 'requestDoneSeconds'],
  ['imageTotalSeconds', 'requestDoneSeconds'],
  ['requestQueueSeconds', 'requestQueueMaxSeconds'],
  ['webhookCollectSeconds', 'webhookCollectAttemptSeconds'],
  ['webhookRequestSeconds', 'webhookSendSeconds'],
  ['webhookSendSeconds', 'webhookSendAttemptSeconds'],
  ['activityHeartbeatSeconds', 'webhookSendAttemptSeconds'],
];
