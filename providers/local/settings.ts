import { isOwnAddress } from '../../lib/network/loopback.ts';
import { setting, type Known, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { oneOf, trueOrFalse } from '../../lib/settings/values.ts';
import type { ProviderSettings, SettingsOfTheApi } from '../descriptor.ts';

const agentTransport = setting(oneOf(['unix', 'http']), {
  about: 'how agents of local machines report: unix or http',
  default: 'unix',
});
const trustAllKeys = setting(trueOrFalse, {
  about: "true: everybody with an API key may do what the worker's user may, so local is offered beyond this computer",
  default: false,
});

const TREE = { agentTransport, trustAllKeys } satisfies SettingTree;

export type LocalSettings = ValuesOf<typeof TREE>;

export const LOCAL_SETTINGS: ProviderSettings = { tree: TREE, onlyWhenOffered: false, contradictions };

function contradictions(known: Known, api: SettingsOfTheApi): string[] {
  const { written, source } = known;
  const found: string[] = [];
  if (written(agentTransport) === 'http' && written(api.port) === 0 && written(api.url) === undefined) {
    found.push(`${source(agentTransport)}: http needs EPHEMERA_API_URL, or an API port other than 0`);
  }
  return [...found, ...beyondThisComputer(known, api)];
}

/** A local machine runs as the worker's user, so its script reads the first key and the deployment's secret. */
function beyondThisComputer({ written, source }: Known, api: SettingsOfTheApi): string[] {
  const host = written(api.host);
  if (host === undefined || isOwnAddress(host) || written(trustAllKeys) === true) return [];
  return [
    `${source(api.host)}: is not loopback, and machines of the provider local are processes of the worker's user: every ` +
      "operator who reaches the API gets that user's files, the admin key and the deployment's secret included. Offer " +
      'another provider (EPHEMERA_PROVIDER), or set EPHEMERA_LOCAL_TRUST_ALL_KEYS=true if you trust all key holders so',
  ];
}
