import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { ApiKeyStore } from '../security/keys/api-keys.ts';
import type { BrowserSessions } from '../security/keys/browser-sessions.ts';
import type { LinkSigner } from '../security/links/link-tokens.ts';
import type { HostKeys, KeySource } from '../security/hosts/host-keys.ts';
import type { JoinTokens } from '../security/hosts/join-tokens.ts';
import type { AgentTokens } from '../security/agents/agent-tokens.ts';
import type { TrustedInstances } from '../security/agents/instance-proofs.ts';
import type { Settings } from '../config/settings.ts';
import type { SealedInputs } from '../security/sealing/sealed-input.ts';
import type { SealedRequests } from '../security/sealing/sealed-requests.ts';
import type { SealedWebhooks } from '../security/sealing/sealed-webhooks.ts';
import type { StartSignatures } from '../security/sealing/start-signatures.ts';
import type { AgentLinks } from './agent-links/agent-links.ts';
import type { AuditReader } from './audit/audit-reader.ts';
import type { KnownQuestions } from './agents/known-questions.ts';
import type { Outbox } from './events/outbox.ts';
import type { Watchers } from './events/watchers.ts';
import type { CloudWatches } from './hosts/cloud-watches.ts';
import type { HostDirectory } from './hosts/host-directory.ts';
import type { KeyVerifier } from './http/authenticate.ts';
import type { AuditLog } from './http/log/audit-log.ts';
import type { ApiMetrics } from './metrics/api-metrics.ts';
import type { OpenRequests } from './http/limits/open-requests.ts';
import type { ImageDirectory } from './images/image-directory.ts';
import type { RateLimiter } from './http/limits/rate-limiter.ts';
import type { RequestLimits } from './http/limits/request-limits.ts';
import type { PoolDirectory } from './pools/pool-directory.ts';
import type { RequestDirectory } from './requests/request-directory.ts';
import type { ReusedVms } from './pools/reused-vms.ts';
import type { ProjectionFeed } from './projection/projection-feed.ts';
import type { Projection } from './projection/projection.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { EndWaiters } from './vms/waits/end-waiters.ts';
import type { TemplateDirectory } from './templates/template-directory.ts';
import type { SharedSweep } from './service/sweeps/shared-sweep.ts';
import type { SweepRuns } from './service/sweeps/sweep-runs.ts';
import type { ReadyWaiters } from './vms/waits/ready-waiters.ts';
import type { WebhookDirectory } from './webhooks/webhook-directory.ts';
import type { VmDirectory } from './vms/seen/vm-directory.ts';

/** What the handlers work with: one per API process. */
export interface ApiContext {
  settings: Settings;
  client: Client;
  keys: KeyVerifier & Pick<ApiKeyStore, 'holder' | 'standing' | 'refresh'>;
  browserSessions: BrowserSessions;
  agentTokens: Pick<AgentTokens, 'issue' | 'verify' | 'verifyRenewable'>;
  sealedInputs: SealedInputs;
  sealedRequests: SealedRequests;
  startSignatures: StartSignatures;
  /** Of the providers whose instances prove themselves. */
  trustedInstances: readonly TrustedInstances[];
  joinTokens: JoinTokens;
  links: Pick<LinkSigner, 'issue' | 'publicKey'>;
  /** What a host that joins gets. */
  hostKeys: HostKeys;
  /** From which the bearer of each host's internal endpoint derives. */
  bearerKeys: KeySource;
  directory: VmDirectory;
  hosts: HostDirectory;
  clouds: CloudWatches;
  templates: TemplateDirectory;
  pools: PoolDirectory;
  images: ImageDirectory;
  reusedVms: ReusedVms;
  requests: RequestDirectory;
  projection: Projection;
  feed: ProjectionFeed;
  outbox: Outbox;
  watchers: Watchers;
  webhooks: WebhookDirectory;
  sealedWebhooks: SealedWebhooks;
  readyWaiters: ReadyWaiters;
  endWaiters: EndWaiters;
  requestLimits: RequestLimits;
  auditLog: Pick<AuditLog, 'write'>;
  auditReader: AuditReader;
  reportLimit: RateLimiter;
  /** Of agents that report over HTTP. */
  agentLinks: AgentLinks;
  replicas: Replicas;
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
  sweepRuns: SweepRuns;
}
