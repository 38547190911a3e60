/**
 * Exit codes of a worker for which a start again is no cure. A service manager that starts it again whatever it says makes
 * a removed host enter the registry anew.
 */
export const WORKER_EXIT = {
  /** An administrator took this host out of the registry. */
  removed: 3,
  /** Another worker serves as this host, or on its state directory. */
  otherWorker: 4,
} as const;
