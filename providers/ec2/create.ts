import type { MachineProvider } from '../../domain/machine/provider.ts';
import type { DiagnosisParts, Finding, ProviderParts } from '../descriptor.ts';
import { createEc2Provider } from './ec2-provider.ts';
import { OWN_SERVER_REGION } from './place.ts';
import type { Ec2Settings } from './settings.ts';

/** The provider that the settings of this process ask for. */
export function create({ own, deployment, budget, apiUrl }: ProviderParts<Ec2Settings>): Promise<MachineProvider> {
  const { region, vmServerUrl, identity, ...machines } = own;
  return Promise.resolve(
    createEc2Provider({
      ...machines,
      deployment,
      budget,
      region: region ?? OWN_SERVER_REGION,
      identity: identity.certificates === null ? 'secret' : 'instance',
      vmServerUrl: vmServerUrl === 'none' ? null : (vmServerUrl ?? `${apiUrl}/v1/agent/vm-server.cjs`),
    }),
  );
}

/** Asks the cloud itself. */
export async function diagnose(parts: DiagnosisParts<Ec2Settings>): Promise<Finding[]> {
  const doctor = await import('./diagnose.ts');
  return doctor.diagnose(parts);
}
