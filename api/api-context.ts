import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { AgentTokens } from '../config/agent-tokens.ts';
import type { GceProofs } from '../config/gce-agents.ts';
import type { Settings } from '../config/settings.ts';
import type { SealedInputs } from '../config/sealed-input.ts';
import type { StartSignatures } from '../config/start-signatures.ts';
import type { KnownQuestions } from './agents/known-questions.ts';
import type { KeyVerifier } from './http/authenticate.ts';
import type { AuditLog } from './http/audit-log.ts';
import type { ApiMetrics } from './metrics/api-metrics.ts';
import type { OpenRequests } from './http/open-requests.ts';
import type { RateLimiter } from './http/rate-limiter.ts';
import type { RequestLimits } from './http/request-limits.ts';
import type { ProjectionFeed } from './projection/projection-feed.ts';
import type { Projection } from './projection/projection.ts';
import type { EndWaiters } from './vms/end-waiters.ts';
import type { SharedSweep } from './service/shared-sweep.ts';
import type { ReadyWaiters } from './vms/ready-waiters.ts';
import type { VmDirectory } from './vms/vm-directory.ts';

/** What the handlers work with: one per API process. */
export interface ApiContext {
  settings: Settings;
  client: Client;
  keys: KeyVerifier;
  agentTokens: Pick<AgentTokens, 'issue' | 'verify' | 'verifyRenewable'>;
  sealedInputs: SealedInputs;
  startSignatures: StartSignatures;
  /** Null where no machine runs on Compute Engine. */
  gceProofs: GceProofs | null;
  /** Bearer for the worker's internal endpoint. */
  internalToken: string;
  directory: VmDirectory;
  projection: Projection;
  feed: ProjectionFeed;
  readyWaiters: ReadyWaiters;
  endWaiters: EndWaiters;
  requestLimits: RequestLimits;
  auditLog: Pick<AuditLog, 'write'>;
  reportLimit: RateLimiter;
  questions: KnownQuestions;
  /** Questions to Temporal about VMs whose view here may be too old. */
  directLooks: { ofMachine: RateLimiter; ofAll: RateLimiter };
  /** Of signals that a machine has its sealed input. */
  assignedTold: RateLimiter;
  /** Of signals to a workflow, for each machine. */
  forwardLimit: RateLimiter;
  log: Logger;
  metrics: ApiMetrics;
  /** Epoch ms. */
  now: () => number;
  openRequests: OpenRequests;
  /** What sweeps would do. */
  dryRuns: SharedSweep;
}
