import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { definedVariables } from '../load-settings.ts';
import type { Environment } from '../setting-sources.ts';
import type { Settings } from '../settings.ts';

/** Fits the client's `Connection.connect` and the worker's `NativeConnection.connect` alike. */
export type TemporalConnectionOptions = Pick<
  ClientConnectConfig['connectionOptions'],
  'address' | 'tls' | 'apiKey' | 'metadata'
> & { address: string };

/**
 * How to reach Temporal: the address of the settings, and TLS, API key and headers of the Temporal profile.
 * The namespace is `settings.temporal.namespace`.
 */
export function temporalConnectionOptions(
  settings: Settings,
  env: Environment = process.env,
): TemporalConnectionOptions {
  const address = settings.temporal.address ?? `127.0.0.1:${settings.temporal.port}`;
  const profile = loadClientConnectConfig({ overrideEnvVars: definedVariables(env) }).connectionOptions;
  return {
    address,
    ...(profile.tls === undefined ? {} : { tls: profile.tls }),
    ...(profile.apiKey === undefined ? {} : { apiKey: profile.apiKey }),
    ...(profile.metadata === undefined ? {} : { metadata: profile.metadata }),
  };
}
