import type { ComputeManagementClientOptionalParams } from '@azure/arm-compute';
import type { TokenCredential } from '@azure/identity';
import type { AzureApi } from './azure-api.ts';
import { REMAINING_POLICY, type RemainingCalls } from './remaining-calls.ts';

export interface AzureAccess {
  subscription: string;
  /** Another endpoint than Azure's, for example `http://127.0.0.1:8080`; `http://` means without credentials. */
  endpoint: string | null;
  /** Client id of the managed identity of the worker, where its computer has several. */
  workerIdentity?: string | null;
  /** Whose token is sent; `DefaultAzureCredential` unless given. */
  credential?: TokenCredential | undefined;
}

/**
 * The official clients. The packages are loaded here and not before: they take a second or two and 50 MB, which a worker
 * without this provider does not pay. They declare Node 22, and run on 20.20.
 */
export async function azureClients(access: AzureAccess, remaining: RemainingCalls): Promise<AzureApi> {
  const { subscription, endpoint } = access;
  const [{ ComputeManagementClient }, { NetworkManagementClient }, credential] = await Promise.all([
    import('@azure/arm-compute'),
    import('@azure/arm-network'),
    credentialOf(access),
  ]);
  const options: ComputeManagementClientOptionalParams = {
    ...(endpoint === null ? {} : { endpoint, allowInsecureConnection: endpoint.startsWith('http://') }),
    // Retries are ours alone, so that every call is counted and stops with its signal.
    retryOptions: { maxRetries: 0 },
    additionalPolicies: [{ policy: watching(remaining), position: 'perCall' }],
  };
  // A server of one's own takes no token, and the clients send none where they have no credential.
  const compute = new ComputeManagementClient(credential as TokenCredential, subscription, options);
  const network = new NetworkManagementClient(credential as TokenCredential, subscription, options);
  return {
    virtualMachines: compute.virtualMachines,
    disks: compute.disks,
    images: compute.images,
    networkInterfaces: network.networkInterfaces,
    publicIPAddresses: network.publicIPAddresses,
    applicationSecurityGroups: network.applicationSecurityGroups,
  };
}

/** Undefined where none is needed. A workload identity, a managed identity or `az login` are found without any secret. */
export async function credentialOf(access: Omit<AzureAccess, 'subscription'>): Promise<TokenCredential | undefined> {
  const { endpoint, workerIdentity, credential } = access;
  if (credential !== undefined) return credential;
  if (endpoint?.startsWith('http://') === true) return undefined;
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential(
    workerIdentity === undefined || workerIdentity === null ? {} : { managedIdentityClientId: workerIdentity },
  );
}

type PipelinePolicy = NonNullable<ComputeManagementClientOptionalParams['additionalPolicies']>[number]['policy'];

function watching(remaining: RemainingCalls): PipelinePolicy {
  return {
    name: REMAINING_POLICY,
    sendRequest: async (request, next) => {
      const response = await next(request);
      remaining.note((name) => response.headers.get(name));
      return response;
    },
  };
}
