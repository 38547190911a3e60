import { createRequire } from 'node:module';
import type { AuthClient } from 'google-auth-library';
import { IS_CHECKOUT } from '../../../lib/processes/checkout.ts';
import type { ComputeApi, GlobalOperationsApi, ImagesApi, InstancesApi, ZoneOperationsApi } from './compute-api.ts';

export interface ComputeAccess {
  project: string;
  /** Another endpoint than Google's, for example `http://127.0.0.1:8080`; `http://` means without credentials. */
  endpoint?: string | null;
  /** Whose credentials to use; Application Default Credentials unless given. */
  authClient?: AuthClient;
}

interface ClientOptions {
  fallback: 'rest';
  projectId: string;
  apiEndpoint?: string;
  port?: number;
  protocol?: string;
  authClient: AuthClient;
}

type ClientClass<Client> = new (options: ClientOptions) => Client;

interface ComputePackage {
  InstancesClient: ClientClass<InstancesApi>;
  ZoneOperationsClient: ClientClass<ZoneOperationsApi>;
  GlobalOperationsClient: ClientClass<GlobalOperationsApi>;
  ImagesClient: ClientClass<ImagesApi>;
}

const require = createRequire(import.meta.url);

/**
 * The official clients over REST. The package is loaded here and not before: it takes 2 seconds and 100 MB, which
 * a worker without this provider does not pay. Credentials are found here too and handed over: a client that
 * finds none by itself leaves a rejection that nobody can handle, which ends the process.
 *
 * Rejects when there are no credentials; the next call may find some.
 */
export async function computeClients(access: ComputeAccess): Promise<ComputeApi> {
  const authClient = access.authClient ?? (await credentialsFor(access.endpoint ?? null));
  // A package has these four clients alone, in one file (dev/pack).
  const compute = (
    IS_CHECKOUT ? require('@google-cloud/compute') : require('../../../dist/google-compute.cjs')
  ) as ComputePackage;
  const options = { ...clientOptions(access), authClient };
  return {
    instances: new compute.InstancesClient(options),
    zoneOperations: new compute.ZoneOperationsClient(options),
    globalOperations: new compute.GlobalOperationsClient(options),
    images: new compute.ImagesClient(options),
  };
}

const SCOPES = ['https://www.googleapis.com/auth/compute'];

async function credentialsFor(endpoint: string | null): Promise<AuthClient> {
  const { GoogleAuth, PassThroughClient } = await import('google-auth-library');
  return endpoint?.startsWith('http://') ? new PassThroughClient() : new GoogleAuth({ scopes: SCOPES }).getClient();
}

function clientOptions({ project, endpoint }: ComputeAccess): Omit<ClientOptions, 'authClient'> {
  const options = { fallback: 'rest', projectId: project } as const;
  if (endpoint === undefined || endpoint === null) return options;
  const { hostname, port, protocol } = new URL(endpoint);
  const secure = protocol === 'https:';
  return {
    ...options,
    apiEndpoint: hostname,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    protocol: secure ? 'https' : 'http',
  };
}
