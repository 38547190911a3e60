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
  /** One try of a destroy; tries are unlimited. */
  destroyAttemptSeconds: 120,
  /** Longest pause between two tries of a destroy. */
  destroyBackoffCapSeconds: 30,
  /** A forced destroy is tried this long, from when the destroy began; then the machine is left to the sweeper. */
  forcedDestroySeconds: 15,
  /** How long a probe of one machine may take. */
  probeSeconds: 20,
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
} as const;

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
  ['activityHeartbeatSeconds', 'createAttemptSeconds'],
  ['createAttemptSeconds', 'createTotalSeconds'],
  ['activityHeartbeatSeconds', 'destroyAttemptSeconds'],
  ['activityHeartbeatSeconds', 'forcedDestroySeconds'],
  ['confirmLinkSeconds', 'confirmAttemptSeconds'],
  ['confirmAttemptSeconds', 'confirmTotalSeconds'],
  ['agentReportIntervalSeconds', 'confirmReportSeconds'],
  ['confirmTotalSeconds', 'confirmReportSeconds'],
  ['confirmReportSeconds', 'agentTokenSeconds'],
  ['agentTokenSeconds', 'bootstrapSecretSeconds'],
];
