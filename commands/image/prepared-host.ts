import type { Settings } from '../../config/settings.ts';
import { descriptorOf, ownSettings } from '../../providers/lookup.ts';
import { HOST_KIT, orScriptError } from './host-kit.ts';

/**
 * What `npm start` and `npm run host` set up before a worker can make machines here: the settings with what each offered
 * provider found or made on this computer. @throws ScriptError with what is missing and how to get it.
 */
export async function withPreparedHost(settings: Settings): Promise<Settings> {
  let prepared = settings;
  for (const name of settings.providers) {
    const provider = descriptorOf(name);
    const tools = await provider.loadHostTools?.();
    if (tools === undefined) continue;
    const own = await orScriptError(tools.prepare(ownSettings(settings, provider), HOST_KIT));
    prepared = { ...prepared, providerSettings: { ...prepared.providerSettings, [name]: own } };
  }
  return prepared;
}
