import { once } from 'node:events';
import type { Server } from 'node:http';
import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { followCertificate, readCertificate } from '../lib/network/certificate-files.ts';
import { hostPort } from '../lib/network/host-port.ts';
import { InstanceBindings, type TrustedInstances } from '../security/agents/instance-proofs.ts';
import { AgentTokens } from '../security/agents/agent-tokens.ts';
import { BrowserSessions } from '../security/keys/browser-sessions.ts';
import { ApiKeyStore } from '../security/keys/api-keys.ts';
import { loadDeploymentSecret } from '../security/sealing/deployment-secret.ts';
import { hostKeys } from '../security/hosts/host-keys.ts';
import { LinkSigner } from '../security/links/link-tokens.ts';
import { JoinTokens } from '../security/hosts/join-tokens.ts';
import { SealedInputs } from '../security/sealing/sealed-input.ts';
import type { Settings } from '../config/settings.ts';
import { SealedRequests } from '../security/sealing/sealed-requests.ts';
import { SealedWebhooks } from '../security/sealing/sealed-webhooks.ts';
import { StartSignatures } from '../security/sealing/start-signatures.ts';
import { replicaIdentity, replicaSharedKey } from '../security/replicas/replica-identity.ts';
import { ownSettings } from '../providers/lookup.ts';
import { PROVIDERS } from '../providers/registry.ts';
import { createLog } from '../telemetry/log.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import type { ApiContext } from './api-context.ts';
import { AgentLinks } from './agent-links/agent-links.ts';
import { AuditReader } from './audit/audit-reader.ts';
import { KnownQuestions } from './agents/known-questions.ts';
import { DIRECT_LOOKS } from './agents/stale-view.ts';
import { RateLimiter } from './http/limits/rate-limiter.ts';
import { createApp } from './app.ts';
import { serveUpgrades } from './http/upgrade.ts';
import { AuditLog } from './http/log/audit-log.ts';
import { createHttpServer } from '../lib/network/http-server.ts';
import { Outbox } from './events/outbox.ts';
import { Watchers } from './events/watchers.ts';
import { CloudWatches } from './hosts/cloud-watches.ts';
import { HostDirectory } from './hosts/host-directory.ts';
import { ImageDirectory } from './images/image-directory.ts';
import { PoolDirectory } from './pools/pool-directory.ts';
import { RequestDirectory } from './requests/request-directory.ts';
import { startReplicaServer } from './replicas/replica-server.ts';
import { Replicas } from './replicas/replicas.ts';
import { RequestWorker, type RequestsAtOnce } from './requests/request-worker.ts';
import { ROUTES } from './routes.ts';
import { ReusedVms } from './pools/reused-vms.ts';
import { QueuedCreates } from './vms/create/queued-create.ts';
import { OpenRequests } from './http/limits/open-requests.ts';
import { RequestLimits } from './http/limits/request-limits.ts';
import { ApiMetrics } from './metrics/api-metrics.ts';
import { ProjectionFeed } from './projection/projection-feed.ts';
import { Projection } from './projection/projection.ts';
import { EndWaiters } from './vms/waits/end-waiters.ts';
import { SharedSweep } from './service/sweeps/shared-sweep.ts';
import { SweepRuns } from './service/sweeps/sweep-runs.ts';
import { TemplateDirectory } from './templates/template-directory.ts';
import { ReadyWaiters } from './vms/waits/ready-waiters.ts';
import { WebhookDirectory } from './webhooks/webhook-directory.ts';
import { WebhookWorker } from './webhooks/webhook-worker.ts';
import { VmDirectory } from './vms/seen/vm-directory.ts';

/** An agent reports each second at most, and on each edge. */
const REPORT_LIMIT = { burst: 40, perSecond: 10 };
/** The forwarding rule alone lets about 50 through at once, and a sign of life each second where silence is a matter of seconds. */
const FORWARD_LIMIT = { burst: 100, perSecond: 1 };
/** A machine's first word that it is done is enough; a signal that was lost is repeated. */
const ASSIGNED_TOLD = { burst: 1, perSecond: 1 / 30 };
/** Requests under way at a close get this long. */
const CLOSE_GRACE_MS = 4000;
const CLOSE_IDLE_MS = 50;
const TLS = { setting: 'EPHEMERA_API_TLS', who: 'the API' };

export interface RunningApi {
  /** `http://127.0.0.1:7400` */
  url: string;
  /** Takes no new request, lets those under way end, and stops following Temporal. The client stays open. */
  close: () => Promise<void>;
}

export interface ApiParts {
  settings: Settings;
  /** A client of the deployment's namespace. */
  client: Client;
  log?: Logger;
  /** Where its metrics go. */
  registry?: MetricRegistry;
  /** Where the keys of instance identities are; those of each cloud when absent. */
  instanceKeysUrl?: string;
  /** Life of report tokens; only tests set it. */
  reportTokenSeconds?: number;
  /** The clock, in epoch ms; only tests set it. */
  now?: () => number;
  /** Between two polls of what changed; only tests set it. */
  pollMs?: number;
  /** Requests for later that are done at once; only tests set it. */
  requestsAtOnce?: RequestsAtOnce;
}

/**
 * Starts an API replica on the host and port of the settings (0: any free port).
 * @throws the listen error when the port is taken, or an Error when a key, secret or certificate file is damaged or the audit
 * log not writable.
 */
export async function startApi(parts: ApiParts): Promise<RunningApi> {
  const { settings, log = createLog('api', settings) } = parts;
  const api = createContext({ ...parts, log });
  const { host, port, tls } = settings.api;
  const certificate = tls === null ? null : readCertificate(tls, TLS.setting);
  const app = createApp(api);
  const server = createHttpServer(app, { certificate });
  serveUpgrades(server, app);
  const { deployment } = settings;
  const replica = await startReplicaServer({
    ...{ host: settings.api.peerHost, port: settings.api.peerPort, links: api.agentLinks, log },
    key: replicaSharedKey(api.bearerKeys, deployment),
  });
  api.replicas.listensAt(replica.address);
  server.listen(port, host);
  await once(server, 'listening').catch(async (error: unknown) => {
    await replica.close();
    throw error;
  });
  const unfollow =
    tls === null || certificate === null
      ? null
      : followCertificate([server], { ...TLS, files: tls, inUse: certificate, log });
  api.feed.start();
  const unfollowed = [api.hosts.follow(), api.clouds.follow(), api.agentLinks.follow(), api.openRequests.follow()];
  const identity = replicaIdentity(api.bearerKeys, deployment, replica.address, `${process.pid}@${hostname()}`);
  const requestWorker = new RequestWorker(api, ROUTES, { identity, most: parts.requestsAtOnce });
  const webhookWorker = new WebhookWorker(api);
  requestWorker.start();
  webhookWorker.start();
  const url = urlOf(server, host, tls === null ? 'http' : 'https');
  log.info({ url }, 'the API is listening');
  return {
    url,
    close: () => {
      unfollow?.();
      unfollowed.forEach((stop) => stop());
      return Promise.all([close(server, api, [requestWorker, webhookWorker]), replica.close()]).then(() => undefined);
    },
  };
}

/** Clouds whose instances prove themselves to this deployment's API. */
function trustedInstances(settings: Settings, secret: Uint8Array, keysUrl: string | undefined): TrustedInstances[] {
  const expected = { audience: settings.api.url, ...(keysUrl === undefined ? {} : { keysUrl }) };
  return PROVIDERS.flatMap((provider) => {
    const { instances } = provider.agentIdentity;
    const identities = instances?.verifier(ownSettings(settings, provider), expected) ?? null;
    if (instances === undefined || identities === null) return [];
    const { proofWord, documentsName } = instances;
    return [
      { proofWord, documentsName, bindings: new InstanceBindings(secret, settings.deployment, proofWord), identities },
    ];
  });
}

/** What is made of the deployment's secret. */
function ofSecret({ settings, instanceKeysUrl, reportTokenSeconds: report }: ApiParts, secret: Uint8Array) {
  const { deployment, api } = settings;
  return {
    browserSessions: new BrowserSessions(secret, { deployment, seconds: api.browserSessionSeconds }),
    agentTokens: new AgentTokens(secret, deployment, report === undefined ? {} : { report }),
    sealedInputs: new SealedInputs(secret, deployment),
    sealedRequests: new SealedRequests(secret, deployment),
    sealedWebhooks: new SealedWebhooks(secret, deployment),
    startSignatures: new StartSignatures(secret, deployment),
    trustedInstances: trustedInstances(settings, secret, instanceKeysUrl),
    joinTokens: new JoinTokens(secret, deployment),
    links: new LinkSigner(secret, deployment),
    hostKeys: hostKeys(secret),
    bearerKeys: secret,
  };
}

function createContext(parts: ApiParts & { log: Logger }): ApiContext {
  const { settings, client, log, registry, now = Date.now, pollMs } = parts;
  const secret = loadDeploymentSecret(settings);
  const { controlTaskQueue } = settings.temporal;
  const hosts = new HostDirectory(client, controlTaskQueue);
  const directory = new VmDirectory(client, { queued: new QueuedCreates(client, hosts), controlTaskQueue });
  const templates = new TemplateDirectory(client, controlTaskQueue);
  const { projection, feed, outbox, watchers, keys } = followed(parts, { directory, templates });
  const secrets = ofSecret(parts, secret);
  const agentLinks = new AgentLinks({ projection, agentTokens: secrets.agentTokens, now, log });
  const { deployment } = settings;
  return {
    settings,
    client,
    keys,
    ...secrets,
    agentLinks,
    replicas: new Replicas({ client, controlTaskQueue, deployment, secret, links: agentLinks, log }),
    directory,
    hosts,
    clouds: new CloudWatches({ client, controlTaskQueue, providers: settings.providers, projection, now, pollMs }),
    templates,
    pools: new PoolDirectory(client, controlTaskQueue, () => hosts.closed),
    images: new ImageDirectory(client, controlTaskQueue),
    requests: new RequestDirectory(client, controlTaskQueue),
    webhooks: new WebhookDirectory(client, controlTaskQueue),
    reusedVms: new ReusedVms({ projection, directory, hosts, now }),
    projection,
    feed,
    outbox,
    watchers,
    readyWaiters: new ReadyWaiters(client, log),
    endWaiters: new EndWaiters(client),
    requestLimits: new RequestLimits(settings.api.limits),
    auditLog: new AuditLog(settings.api.auditLog, log),
    auditReader: new AuditReader(settings.api.auditLog),
    ...agentLimits(),
    questions: new KnownQuestions(),
    log,
    metrics: new ApiMetrics(registry ?? new MetricRegistry(), { projection, feed, watchers }),
    now,
    openRequests: new OpenRequests(),
    dryRuns: new SharedSweep(Date.now),
    sweepRuns: new SweepRuns(client, settings.deployment),
  };
}

function agentLimits(): Pick<ApiContext, 'reportLimit' | 'forwardLimit' | 'directLooks' | 'assignedTold'> {
  const { ofMachine, ofAll } = DIRECT_LOOKS;
  return {
    reportLimit: new RateLimiter(REPORT_LIMIT),
    forwardLimit: new RateLimiter(FORWARD_LIMIT),
    directLooks: { ofMachine: new RateLimiter(ofMachine), ofAll: new RateLimiter(ofAll) },
    assignedTold: new RateLimiter(ASSIGNED_TOLD),
  };
}

/** What this replica knows of all VMs, and who is told when it learns more. */
function followed(
  { settings, client, log, pollMs }: ApiParts & { log: Logger },
  { directory, templates }: Pick<ApiContext, 'directory' | 'templates'>,
): Pick<ApiContext, 'projection' | 'feed' | 'outbox' | 'watchers'> & { keys: ApiKeyStore } {
  const projection = new Projection(settings.temporal);
  const outbox = new Outbox();
  const keys = new ApiKeyStore(settings, {
    onDamage: (err) => log.error({ err }, 'the changed keys file is not taken over; the keys read last stay valid'),
  });
  const { watchersPerKey: perKey, watchers: all } = settings.api.limits;
  const watchers = new Watchers({ outbox, keys, limits: { perKey, all } });
  const feed = new ProjectionFeed({
    ...(pollMs === undefined ? {} : { pollMs, relistMs: pollMs }),
    ...{ client, projection, directory, templates, outbox, log },
    controlTaskQueue: settings.temporal.controlTaskQueue,
  });
  return { projection, feed, outbox, watchers, keys };
}

async function close(
  server: Server,
  api: ApiContext,
  workers: readonly { close: () => Promise<void> }[],
): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // Those that wait for a VM are answered with its state as it is.
  api.openRequests.close();
  api.watchers.close();
  server.closeIdleConnections();
  // A connection whose last request ends now would else stay open for its client's next one.
  const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
  const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await Promise.all([closed, api.feed.close(), ...workers.map((worker) => worker.close())]);
  api.outbox.close();
  clearInterval(idle);
  clearTimeout(force);
}

function urlOf(server: Server, host: string, scheme: string): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the API has no TCP address');
  return `${scheme}://${hostPort(host, address.port)}`;
}
