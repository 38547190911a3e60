import { randomBytes } from 'node:crypto';
import { packageVersion } from '../../lib/processes/package-version.ts';
import { bearerOfBefore } from '../../security/hosts/host-bearer.ts';
import { hostKeysFromText } from '../../security/hosts/host-keys.ts';
import { readHostFile, writeHostFile, type HostFile } from '../../security/hosts/host-membership.ts';
import { ScriptError, step, warn } from '../terminal/terminal.ts';
import { internalIdentity } from '../../worker/host/internal-identity.ts';
import { askToJoin } from './ask-to-join.ts';
import type { JoinedHost } from './host-environment.ts';
import { newHostId } from './host-name.ts';

/** What the person typed. */
export interface HostWish {
  stateDir: string;
  /** Address of the API. */
  join: string | undefined;
  token: string | undefined;
  /** Absent: made up. */
  hostId: string | undefined;
  providers: readonly string[] | undefined;
  zone: string | undefined;
  /** `k=v,k=v` */
  labels: string | undefined;
  caFile: string | null;
}

/**
 * The host that this computer is, asking the API when it is none yet.
 * @throws ScriptError that says what to do next.
 */
export async function joinDeployment(wish: HostWish): Promise<JoinedHost> {
  const { stateDir } = wish;
  const kept = keptHost(stateDir);
  if (kept?.membership) return withOwnBearer(stateDir, joinedBefore(wish, { ...kept, membership: kept.membership }));
  if (wish.join === undefined || wish.token === undefined) {
    throw new ScriptError(
      `${stateDir} is no host yet. Where the deployment runs, make a token with: npm run keys -- join. Then type here: ` +
        'EPHEMERA_JOIN_TOKEN=TOKEN npm run host -- --join URL',
    );
  }
  const { join: askedApi, token, providers, caFile } = wish;
  const self = kept === undefined || goesByAnotherName(wish, kept) ? newHost(wish.hostId) : kept;
  // Kept before it is asked with: the answer may be lost, and only the same host may ask again.
  const { key: endpointKey, fingerprint } = await internalIdentity(stateDir);
  const host: HostFile = { ...self, askedApi, ...chosen(wish), membership: null, endpoint: fingerprint };
  writeHostFile(stateDir, host);
  return step('joined', async ({ note }) => {
    const { hostId, hostKey } = host;
    const membership = await askToJoin({
      ...{ apiUrl: askedApi, token, hostId, hostKey, endpointKey, caFile },
      ...(providers === undefined ? {} : { providers }),
    });
    const joined = { ...host, membership };
    writeHostFile(stateDir, joined);
    note(`${hostId}, a host of deployment ${membership.deployment}`);
    warnOfOtherVersion(membership.version);
    return joined;
  });
}

function keptHost(stateDir: string): HostFile | undefined {
  try {
    return readHostFile(stateDir);
  } catch (error) {
    throw new ScriptError(error instanceof Error ? error.message : String(error));
  }
}

function goesByAnotherName({ hostId }: HostWish, { hostId: known }: Pick<HostFile, 'hostId'>): boolean {
  return hostId !== undefined && hostId !== known;
}

/** One that has joined stays what it is; zone and labels may change. */
function joinedBefore(wish: HostWish, host: JoinedHost): JoinedHost {
  if (wish.join !== undefined) {
    throw new ScriptError(
      `${wish.stateDir} is ${host.hostId}, a host of deployment ${host.membership.deployment} already: start it without ` +
        '--join, or join as another host with --state-dir DIR. The token was not used',
    );
  }
  if (goesByAnotherName(wish, host)) {
    throw new ScriptError(
      `${wish.stateDir} has joined as ${host.hostId}: start it without another --host-id or EPHEMERA_HOST_ID, or join as ` +
        `${wish.hostId ?? ''} with --state-dir DIR and a new token`,
    );
  }
  const { providers } = host.membership;
  const other = wish.providers?.find((name) => !providers.includes(name));
  if (other !== undefined) {
    throw new ScriptError(
      `${host.hostId} has joined to run machines of ${providers.join(', ')}, not of ${other}: offer that in the deployment ` +
        `(EPHEMERA_PROVIDER of its API and workers), and join for it with --state-dir DIR and a new token`,
    );
  }
  const now = { ...host, ...chosen(wish) };
  if (wish.zone !== undefined || wish.labels !== undefined) writeHostFile(wish.stateDir, now);
  return now;
}

/**
 * A host that joined before each had a bearer of its own keeps its own one instead of the key that all hosts had. Nobody
 * can make a bearer for another key of its endpoint here, so consoles cannot be read when that is another now.
 */
async function withOwnBearer(stateDir: string, host: JoinedHost): Promise<JoinedHost> {
  const { fingerprint } = await internalIdentity(stateDir);
  const { internal, ...keys } = host.membership.keys;
  if (internal !== undefined && keys['own-bearer'] === undefined) {
    const own = bearerOfBefore(hostKeysFromText(host.membership.keys), fingerprint);
    const membership = { ...host.membership, keys: { ...keys, 'own-bearer': own } };
    const now: JoinedHost = { ...host, membership, endpoint: fingerprint };
    writeHostFile(stateDir, now);
    return now;
  }
  if (host.endpoint !== undefined && host.endpoint !== fingerprint) warn(OTHER_ENDPOINT);
  return host;
}

/** Also what the doctor says. */
export const OTHER_ENDPOINT =
  'the key of the internal endpoint (internal-tls.json) is not the one with which this host joined, so the API reads no ' +
  'consoles here: bring it back from a backup, or join anew with another --state-dir';

function chosen({ zone, labels }: HostWish): Pick<HostFile, 'zone' | 'labels'> {
  return { ...(zone === undefined ? {} : { zone }), ...(labels === undefined ? {} : { labels }) };
}

function newHost(hostId: string = newHostId()): Pick<HostFile, 'hostId' | 'hostKey'> {
  return { hostId, hostKey: randomBytes(32).toString('hex') };
}

function warnOfOtherVersion(version: string): void {
  const own = packageVersion();
  if (version !== own) warn(`the deployment runs version ${version}, this computer ${own}: use the same on both`);
}
