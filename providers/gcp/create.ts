import type { MachineProvider } from '../../domain/machine/provider.ts';
import type { DiagnosisParts, Finding, ProviderParts } from '../descriptor.ts';
import { createGcpProvider } from './gcp-provider.ts';
import { OWN_SERVER_PROJECT } from './place.ts';
import type { GcpSettings } from './settings.ts';

/** The provider that the settings of this process ask for. */
export function create({ own, deployment, budget, apiUrl }: ProviderParts<GcpSettings>): Promise<MachineProvider> {
  const { project, zones, endpoint, serviceAccount: machineServiceAccount, diskType, rules } = own;
  const vmServerUrl = own.vmServerUrl === 'none' ? null : (own.vmServerUrl ?? `${apiUrl}/v1/agent/vm-server.cjs`);
  const place = { project: project ?? OWN_SERVER_PROJECT, zones, endpoint };
  const machines = { machineServiceAccount, vmServerUrl, diskType, rules };
  return Promise.resolve(createGcpProvider({ deployment, budget, ...place, ...machines }));
}

/** Asks the cloud itself, with a client that machines do not need. */
export async function diagnose(parts: DiagnosisParts<GcpSettings>): Promise<Finding[]> {
  const doctor = await import('./diagnose.ts');
  return doctor.diagnose(parts);
}
