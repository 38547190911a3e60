/** What a host needs to work for this deployment: the way to Temporal, its names, and the keys of hosts. */
import {
  temporalConnectionOptions,
  type TemporalConnectionOptions,
} from '../../config/temporal/temporal-connection.ts';
import { packageVersion } from '../../lib/processes/package-version.ts';
import type { HostKeysText } from '../../security/hosts/host-keys.ts';
import type { Settings } from '../../config/settings.ts';
import type { Membership } from '../../security/hosts/host-membership.ts';

/** No API key, and not the deployment's secret. */
export function joinAnswer(settings: Settings, providers: string[], keys: HostKeysText): Membership {
  const { deployment, api, temporal, host } = settings;
  const { controlTaskQueue, namespace } = temporal;
  return {
    ...{ deployment, version: packageVersion(), providers, apiUrl: api.url, controlTaskQueue },
    hostLostSeconds: host.lostSeconds,
    temporal: { ...temporalAsText(temporalConnectionOptions(settings)), namespace },
    keys,
  };
}

function temporalAsText(options: TemporalConnectionOptions): Omit<Membership['temporal'], 'namespace'> {
  const { address, tls, apiKey, metadata } = options;
  return {
    address,
    ...(tls === undefined || tls === null || tls === false ? {} : { tls: tls === true ? {} : tlsAsText(tls) }),
    ...(typeof apiKey === 'string' ? { apiKey } : {}),
    ...(metadata === undefined ? {} : { headers: headersOf(metadata) }),
  };
}

type Tls = Exclude<TemporalConnectionOptions['tls'], boolean | null | undefined>;

function tlsAsText({ serverNameOverride, serverRootCACertificate, clientCertPair }: Tls) {
  return {
    ...(serverNameOverride ? { serverName: serverNameOverride } : {}),
    ...(serverRootCACertificate === undefined ? {} : { serverCa: pem(serverRootCACertificate) }),
    ...(clientCertPair === undefined
      ? {}
      : { clientCert: pem(clientCertPair.crt), clientKey: pem(clientCertPair.key) }),
  };
}

function headersOf(metadata: NonNullable<TemporalConnectionOptions['metadata']>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => typeof value === 'string')) as Record<
    string,
    string
  >;
}

function pem(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
