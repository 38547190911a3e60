/** The provider of a cloud with the settings of this process, as workers have it. */
import { loadSettings } from '../../config/load-settings.ts';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import { callRateOf, descriptorOf, ownSettings } from '../../providers/lookup.ts';
import { CallBudget } from '../../providers/call-budget.ts';

const API_URL = 'http://127.0.0.1:7400';

/** @throws SettingsError, Error for a cloud that there is not */
export async function liveProvider(cloud: string, deployment: string): Promise<MachineProvider> {
  const argv = ['--provider', cloud, '--api-url', API_URL];
  const settings = loadSettings({ argv, env: process.env, cwd: process.cwd() });
  const descriptor = descriptorOf(cloud);
  const rate = callRateOf(cloud);
  return (await descriptor.load()).create({
    own: ownSettings(settings, descriptor),
    ...{ deployment, apiUrl: API_URL, stateDir: settings.stateDir, hostId: 'live', vmServerFile: '' },
    budget: new CallBudget({ rate, providerTakesCalls: descriptor.takesCallsItself }),
  });
}
