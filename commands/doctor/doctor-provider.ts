/** What a deployment on a provider needs, asked of the provider itself; each finding says what to do about it. */
import { SettingsError, loadSettings } from '../../config/load-settings.ts';
import { readOwnPrices } from '../../config/own-prices.ts';
import type { Settings } from '../../config/settings.ts';
import type { ProviderDescriptor } from '../../providers/descriptor.ts';
import { ownSettings } from '../../providers/lookup.ts';
import { ScriptError, say } from '../terminal/terminal.ts';
import { estimatedCosts } from './estimated-costs.ts';

/**
 * `npm run doctor -- PROVIDER`: prints each finding. @throws ScriptError that says what to do, or that nothing can be asked
 * of this provider from afar.
 */
export async function doctorProvider(provider: ProviderDescriptor, env: NodeJS.ProcessEnv): Promise<void> {
  const { name, description } = provider;
  const module = await provider.load();
  if (module.diagnose === undefined) {
    throw new ScriptError(`there is nothing to ask of ${name}; npm run doctor alone looks at this computer`);
  }
  const settings = settingsFor(name, env);
  const findings = await module.diagnose({ own: ownSettings(settings, provider), deployment: settings.deployment });
  for (const { check, ok, found } of findings) say(`${ok ? '✓' : '✗'} ${check}: ${found}`);
  for (const line of estimatedCosts(provider, readOwnPrices(settings.pricesFile)[name])) say(`  ${line}`);
  const todos = findings.filter(({ ok }) => !ok).map(({ check, todo }) => `${check}: ${todo}`);
  if (todos.length > 0) {
    throw new ScriptError([`Machines cannot be made on ${name} yet (${description}):`, ...todos].join('\n  '));
  }
  say(`Machines can be made on ${name}: npm start -- --provider ${name}`);
}

function settingsFor(name: string, env: NodeJS.ProcessEnv): Settings {
  // The doctor asks the cloud only: an API that machines reach is no matter of his.
  const argv = ['--provider', name, '--api-url', 'http://127.0.0.1:7400'];
  try {
    return loadSettings({ argv, env, cwd: process.cwd() });
  } catch (error) {
    throw error instanceof SettingsError ? new ScriptError(error.message) : error;
  }
}
