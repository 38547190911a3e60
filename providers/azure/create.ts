import type { MachineProvider } from '../../domain/machine/provider.ts';
import type { DiagnosisParts, Finding, ProviderParts } from '../descriptor.ts';
import { createAzureProvider } from './azure-provider.ts';
import { OWN_SERVER } from './place.ts';
import type { AzureSettings } from './settings.ts';

/** The provider that the settings of this process ask for. */
export function create({ own, deployment, budget, apiUrl }: ProviderParts<AzureSettings>): Promise<MachineProvider> {
  const { subscription, resourceGroup, places, rules, endpoint, diskType, workerIdentity } = own;
  return Promise.resolve(
    createAzureProvider({
      ...{ deployment, budget, places, rules, endpoint, diskType, workerIdentity },
      subscription: subscription ?? OWN_SERVER.subscription,
      resourceGroup: resourceGroup ?? OWN_SERVER.resourceGroup,
      image: own.image,
      identity: own.identity.authorities === null ? 'secret' : 'instance',
      securityGroup: own.securityGroup,
      egressSecurityGroup: own.egressSecurityGroup,
      vmServerUrl: own.vmServerUrl === 'none' ? null : (own.vmServerUrl ?? `${apiUrl}/v1/agent/vm-server.cjs`),
    }),
  );
}

/** Asks the cloud itself. */
export async function diagnose(parts: DiagnosisParts<AzureSettings>): Promise<Finding[]> {
  const doctor = await import('./diagnose.ts');
  return doctor.diagnose(parts);
}
