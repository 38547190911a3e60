/** What the deployment says of a host: its API, its Temporal, its registry, and their clocks. */
import { Client, Connection } from '@temporalio/client';
import { HostDirectory, type KnownHost } from '../../api/hosts/host-directory.ts';
import { temporalConnectionOptions } from '../../config/temporal/temporal-connection.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { packageVersion } from '../../lib/processes/package-version.ts';
import { requestApi } from '../host/api-request.ts';
import { duration } from '../terminal/terminal.ts';
import { bad, good, note, type HostFinding, type JoinedComputer } from './host-finding.ts';

const ANSWER_MS = 5000;
/** Tokens are checked by the clock, and tolerate this. */
const CLOCK_TOLERANCE_SECONDS = 60;

type Asked<Answer> = { answer: Answer } | { error: string };

export interface DeploymentSaid {
  /** HTTP status of /readyz, and by how much this computer's clock is ahead of the API's, in seconds. */
  api: Asked<{ status: number; aheadSeconds: number | null }>;
  /** Temporal answers for the namespace. */
  temporal: Asked<string>;
  /** Undefined: the registry does not have the host, or was not reached. */
  registered: KnownHost | undefined;
}

export async function askDeployment(computer: JoinedComputer, answerMs = ANSWER_MS): Promise<DeploymentSaid> {
  const [api, temporal] = await Promise.all([
    asked(askApi(computer, answerMs)),
    asked(askTemporal(computer, answerMs)),
  ]);
  if ('error' in temporal) return { api, temporal, registered: undefined };
  const { address, registered } = temporal.answer;
  return { api, temporal: { answer: address }, registered };
}

export function deploymentFindings(computer: JoinedComputer, said: DeploymentSaid): HostFinding[] {
  return [memberFinding(computer), apiFinding(computer, said), ...clockFinding(said), temporalFinding(computer, said)];
}

function memberFinding({ host: { hostId, membership }, stateDir }: JoinedComputer): HostFinding {
  const { deployment, version, providers } = membership;
  const found = `${hostId} of deployment ${deployment}, for machines of ${providers.join(', ')}, kept in ${stateDir}`;
  const own = packageVersion();
  if (version === own) return good('membership', found);
  return note('membership', `${found}; it joined version ${version}, and this computer has ${own}`);
}

function apiFinding({ host: { askedApi } }: JoinedComputer, { api }: DeploymentSaid): HostFinding {
  if ('error' in api) {
    const todo = `see that the API runs and that this computer reaches it (EPHEMERA_API_CA_CERT for a certificate of your own)`;
    return bad('API', `${askedApi} does not answer (${api.error})`, todo);
  }
  const { status } = api.answer;
  if (status === 200) return good('API', `${askedApi} is ready`);
  return bad('API', `${askedApi} answers ${status}`, 'see the log of the API');
}

function clockFinding({ api, registered }: DeploymentSaid): HostFinding[] {
  const aheadOfApi = 'answer' in api ? api.answer.aheadSeconds : null;
  return [...clockAgainst(aheadOfApi, "the API's"), ...clockAgainst(aheadOfTemporal(registered), "Temporal's")];
}

/** A heartbeat of a lease that holds is some seconds old, by Temporal's clock. Null: nothing to compare with. */
function aheadOfTemporal(registered: DeploymentSaid['registered']): number | null {
  const { state, lastSeenAt } = registered?.host ?? {};
  if (lastSeenAt === undefined || state === 'away' || state === 'lost') return null;
  const age = (Date.now() - Date.parse(lastSeenAt)) / 1000;
  return age < 0 ? age : Math.max(0, age - TIMEOUTS.leaseHeartbeatSeconds);
}

function clockAgainst(ahead: number | null, whose: string): HostFinding[] {
  if (ahead === null) return [];
  const off = Math.abs(ahead);
  if (off < 2) return [good('clock', `as ${whose}`)];
  const found = `${duration(off * 1000)} ${ahead > 0 ? 'ahead of' : 'behind'} ${whose}`;
  if (off <= CLOCK_TOLERANCE_SECONDS) return [note('clock', `${found}; up to a minute does no harm`)];
  return [bad('clock', found, 'set the clocks of both by NTP: tokens and certificates are checked by them')];
}

function temporalFinding({ settings }: JoinedComputer, { temporal }: DeploymentSaid): HostFinding {
  const { namespace } = settings.temporal;
  if ('answer' in temporal) return good('Temporal', `${temporal.answer}, namespace ${namespace}`);
  const todo =
    'see that Temporal runs and that this computer reaches it; TEMPORAL_ADDRESS names another way to it (docs/hosts.md)';
  return bad('Temporal', `${addressOf(settings.temporal.address)} does not answer (${temporal.error})`, todo);
}

function addressOf(address: string | null): string {
  return address ?? 'the kept address';
}

async function asked<Answer>(question: Promise<Answer>): Promise<Asked<Answer>> {
  try {
    return { answer: await question };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    return { error: typeof code === 'string' ? code : (message.split('\n')[0] ?? message) };
  }
}

async function askApi({ host, env }: JoinedComputer, answerMs: number) {
  const caFile = env['EPHEMERA_API_CA_CERT'] || null;
  const { statusCode = 0, headers } = (
    await requestApi({ apiUrl: host.askedApi, path: 'readyz', caFile, answerMs })
  ).resume();
  // The header has whole seconds, cut off.
  const theirs = headers.date === undefined ? NaN : Date.parse(headers.date);
  const ahead = (Date.now() - theirs) / 1000 - 0.5;
  return { status: statusCode, aheadSeconds: Number.isNaN(ahead) ? null : ahead };
}

async function askTemporal({ host, settings, env }: JoinedComputer, answerMs: number) {
  const { namespace, controlTaskQueue } = settings.temporal;
  const options = temporalConnectionOptions(settings, env);
  const connection = await Connection.connect({ ...options, connectTimeout: answerMs });
  try {
    await connection.withDeadline(Date.now() + answerMs, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    const client = new Client({ connection, namespace });
    const registered = await new HostDirectory(client, controlTaskQueue).find(host.hostId);
    return { address: options.address, registered };
  } finally {
    await connection.close();
  }
}
