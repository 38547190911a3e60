/** The environment of a host's worker: what its deployment says, over what this computer says of itself. */
import { join } from 'node:path';
import type { Environment } from '../../config/setting-sources.ts';
import type { HostFile, KeptMembership } from '../../security/hosts/host-membership.ts';

/** Of a Temporal server that npm start runs; a host has none. */
const NOT_FOR_HOSTS = ['EPHEMERA_JOIN_TOKEN', 'EPHEMERA_TEMPORAL_PORT', 'EPHEMERA_TEMPORAL_UI_PORT'];

/** One whose API has answered. */
export type JoinedHost = HostFile & { membership: KeptMembership };

export interface HostPlace {
  stateDir: string;
  /** Address of this computer that the API reaches, unless another is set. */
  internalHost: string;
}

/**
 * Variables from which the settings of the host are read. What makes it a member of its deployment is as it was joined;
 * a TEMPORAL_ADDRESS of this computer, with the TEMPORAL_… beside it, is another way to the same Temporal.
 */
export function hostEnvironment(
  { hostId, zone, labels, membership }: JoinedHost,
  { stateDir, internalHost }: HostPlace,
  env: Environment,
): Record<string, string> {
  const own = Object.entries(env).filter((entry): entry is [string, string] => {
    return Boolean(entry[1]) && !entry[0].startsWith('TEMPORAL_') && !NOT_FOR_HOSTS.includes(entry[0]);
  });
  return {
    EPHEMERA_PROVIDER: membership.providers.join(','),
    EPHEMERA_INTERNAL_HOST: internalHost,
    ...(zone === undefined ? {} : { EPHEMERA_HOST_ZONE: zone }),
    ...(labels === undefined ? {} : { EPHEMERA_HOST_LABELS: labels }),
    // The registry goes by what each host says, and so does the host's own fence.
    EPHEMERA_HOST_LOST_SECONDS: `${membership.hostLostSeconds}`,
    ...Object.fromEntries(own),
    EPHEMERA_STATE_DIR: stateDir,
    EPHEMERA_HOST_ID: hostId,
    EPHEMERA_WORKER_ROLES: 'host',
    EPHEMERA_DEPLOYMENT: membership.deployment,
    EPHEMERA_CONTROL_TASK_QUEUE: membership.controlTaskQueue,
    EPHEMERA_API_URL: membership.apiUrl,
    // No profile of this computer's user: a file of that name is there only where somebody put it.
    TEMPORAL_CONFIG_FILE: join(stateDir, 'temporal.toml'),
    ...temporalEnvironment(membership.temporal),
    ...otherWayToTemporal(env),
  };
}

/** As the Temporal SDK reads them. */
function temporalEnvironment({ address, namespace, tls, apiKey, headers }: KeptMembership['temporal']) {
  const set = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_API_KEY: apiKey,
    TEMPORAL_TLS: tls === undefined ? undefined : 'true',
    TEMPORAL_TLS_SERVER_NAME: tls?.serverName,
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: tls?.serverCa,
    TEMPORAL_TLS_CLIENT_CERT_DATA: tls?.clientCert,
    TEMPORAL_TLS_CLIENT_KEY_DATA: tls?.clientKey,
    ...Object.fromEntries(
      Object.entries(headers ?? {}).map(([name, value]) => [
        `TEMPORAL_GRPC_META_${name.toUpperCase().replaceAll('-', '_')}`,
        value,
      ]),
    ),
  };
  return Object.fromEntries(Object.entries(set).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function otherWayToTemporal(env: Environment): Record<string, string> {
  if (!env['TEMPORAL_ADDRESS']) return {};
  const set = Object.entries(env).filter((entry): entry is [string, string] => {
    return entry[0].startsWith('TEMPORAL_') && entry[0] !== 'TEMPORAL_NAMESPACE' && Boolean(entry[1]);
  });
  return Object.fromEntries(set);
}
