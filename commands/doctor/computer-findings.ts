/** What a computer says of itself as a host: its worker, lease and fence, its key and internal endpoint, its room. */
import { statSync } from 'node:fs';
import { pinnedAnswer } from '../../api/hosts/pinned-request.ts';
import type { KnownHost } from '../../api/hosts/host-directory.ts';
import { isAlive } from '../../lib/processes/process-identity.ts';
import { secondsSinceBoot } from '../../lib/processes/seconds-since-boot.ts';
import { readInternalIdentity } from '../../security/hosts/internal-identity.ts';
import { fenceOf } from '../../worker/host/fence/start-fence.ts';
import { readLeaseNote, type LeaseNote } from '../../worker/host/fence/lease-file.ts';
import { liveMachines } from '../../worker/host/fence/stop-machines.ts';
import { hostCapacity } from '../../worker/host/host-capacity.ts';
import { OTHER_ENDPOINT } from '../host/join-deployment.ts';
import { duration } from '../terminal/terminal.ts';
import { bad, good, note, type HostFinding, type JoinedComputer } from './host-finding.ts';

const ENDPOINT_MS = 3000;
/** Less than the smallest guest takes. */
const SMALLEST_ROOM = { cpus: 1, memoryMb: 512, diskGb: 1 } as const;

/** `registered`: what the registry says of this host, if it was reached and has it. */
export async function computerFindings(
  computer: JoinedComputer,
  registered: KnownHost | undefined,
): Promise<HostFinding[]> {
  const { stateDir } = computer;
  const lease = await readLeaseNote(stateDir);
  const worker = lease !== undefined && (await isAlive(lease.worker)) ? lease.worker : undefined;
  const key = ownKey(stateDir);
  return [
    worker === undefined
      ? note('worker', 'does not run; npm run host starts it')
      : good('worker', `runs as process ${worker.pid}`),
    ...leaseFinding(worker !== undefined, registered, lease),
    await fenceFinding(stateDir, worker !== undefined, lease),
    keyFinding(key, registered, computer.host.endpoint),
    ...(worker === undefined ? [] : await endpointFinding(key.fingerprint, registered)),
    await roomFinding(computer),
    directoryFinding(stateDir),
  ];
}

function leaseFinding(runs: boolean, known: KnownHost | undefined, lease: LeaseNote | undefined): HostFinding[] {
  if (known === undefined) {
    if (!runs) return [note('registry', 'does not have this host; it enters when its worker starts')];
    return [bad('registry', 'does not have this host, or is not reached', 'see the log of the worker')];
  }
  const { state, machines, lastSeenAt, lostAt } = known.host;
  const seen = duration(Math.max(0, Date.now() - Date.parse(lastSeenAt)));
  if (state === 'lost') {
    const todo = 'start it: npm run host. Its VMs have ended, or have machines elsewhere';
    return [bad('lease', `this host is lost since ${lastSeenAt}`, todo)];
  }
  if (state === 'away') {
    const found = `this host is away since ${lastSeenAt}${lostAt === undefined ? '' : `, and lost at ${lostAt}`}`;
    const todo = 'see that its worker reaches Temporal; its log says why it does not';
    return [runs ? bad('lease', found, todo) : note('lease', found)];
  }
  const stop = lease?.stopAt == null ? '' : `; without another the fence stops its machines in ${leftOf(lease.stopAt)}`;
  return [good('lease', `${state}, machines: ${machines}, last heartbeat ${seen} ago${stop}`)];
}

function leftOf(stopAt: number): string {
  return duration(Math.max(0, stopAt - secondsSinceBoot()) * 1000);
}

async function fenceFinding(stateDir: string, runs: boolean, lease: LeaseNote | undefined): Promise<HostFinding> {
  const fence = await fenceOf(stateDir);
  if (fence !== undefined) return good('fence', `runs as process ${fence.pid}`);
  const machines = (await liveMachines(stateDir).catch(() => [])).length;
  if (machines === 0 && !runs) return good('fence', 'has nothing to watch: no machine runs');
  const found = `does not run${machines === 0 ? '' : `, and ${machines} machines do`}`;
  const noted = lease === undefined ? 'no lease is noted here' : 'the worker starts it again within ten seconds';
  return bad('fence', found, runs ? `${noted}; see fence.log in ${stateDir}` : 'npm run host starts one');
}

/** The fingerprint of the internal endpoint's key, or why it cannot be read; neither where no key was made yet. */
interface OwnKey {
  fingerprint?: string | undefined;
  damage?: string;
}

function ownKey(stateDir: string): OwnKey {
  try {
    return { fingerprint: readInternalIdentity(stateDir)?.fingerprint };
  } catch (error) {
    return { damage: error instanceof Error ? error.message : String(error) };
  }
}

function keyFinding(
  { fingerprint, damage }: OwnKey,
  registered: KnownHost | undefined,
  joinedWith: string | undefined,
): HostFinding {
  if (damage !== undefined) return bad('key', 'of the internal endpoint is damaged', damage);
  if (joinedWith !== undefined && joinedWith !== fingerprint) {
    return bad('key', 'of the internal endpoint is not the one with which this host joined', OTHER_ENDPOINT);
  }
  if (fingerprint === undefined) return note('key', 'of the internal endpoint is made at the first start');
  const known = registered?.fingerprint;
  if (known == null) return good('key', `${fingerprint.slice(0, 16)}… of the internal endpoint`);
  if (known === fingerprint) return good('key', `${known.slice(0, 16)}…, as the registry has it`);
  return bad(
    'key',
    `${fingerprint.slice(0, 16)}… here, ${known.slice(0, 16)}… in the registry`,
    'another host may use this id: give this one an id and a state directory of its own, or start it again',
  );
}

/** From here: whether the API reaches it, the first console shows. */
async function endpointFinding(
  fingerprint: string | undefined,
  registered: KnownHost | undefined,
): Promise<HostFinding[]> {
  const address = registered?.address;
  if (!address || fingerprint === undefined) return [];
  const ask = { address, fingerprint, path: '/', headers: {}, signal: AbortSignal.timeout(ENDPOINT_MS) };
  try {
    await pinnedAnswer(ask);
    return [good('internal endpoint', `${address} answers with this host's key; the API reads consoles there`)];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const todo =
      'EPHEMERA_INTERNAL_HOST and EPHEMERA_INTERNAL_PORT name an address that is free and that the API reaches';
    return [bad('internal endpoint', `${address} does not answer as this host (${why})`, todo)];
  }
}

async function roomFinding({ settings }: JoinedComputer): Promise<HostFinding> {
  const { cpus, memoryMb, diskGb } = await hostCapacity(settings);
  const found = `${cpus} cpus, ${memoryMb} MB, ${diskGb} GB of disk for machines`;
  const fits = cpus >= SMALLEST_ROOM.cpus && memoryMb >= SMALLEST_ROOM.memoryMb && diskGb >= SMALLEST_ROOM.diskGb;
  if (fits) return good('room', found);
  const todo = 'free some (5 GB of disk and an eighth of the memory are kept back), or set EPHEMERA_HOST_…';
  return bad('room', `${found}: too little for any`, todo);
}

function directoryFinding(stateDir: string): HostFinding {
  const others = statSync(stateDir).mode & 0o077;
  if (others === 0) return good('state directory', `${stateDir} is for its user alone`);
  return bad('state directory', `other users can enter ${stateDir}`, `chmod 700 ${stateDir}: it holds keys`);
}
