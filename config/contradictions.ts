import { namedSettings } from '../lib/settings/named-settings.ts';
import type { Known, Setting } from '../lib/settings/setting.ts';
import { PROVIDERS } from '../providers/registry.ts';
import { API_SETTINGS, apiContradictions } from './groups/api-settings.ts';
import { GATEWAY_SETTINGS, gatewayContradictions } from './groups/gateway-settings.ts';
import { METRICS_SETTINGS, WORKER_SETTINGS, workerContradictions } from './groups/worker-settings.ts';
import { TEMPORAL_SETTINGS } from './groups/temporal-settings.ts';
import { providers, SETTINGS } from './settings.ts';

/** Settings that are fine alone and wrong together. */
export function contradictions(known: Known): string[] {
  return [
    ...excluded(known),
    ...samePorts(known),
    ...workerContradictions(known),
    ...ofProviders(known),
    ...apiContradictions(known),
    ...gatewayContradictions(known),
  ];
}

function excluded({ written, source }: Known): string[] {
  return SETTINGS.flatMap(({ setting }) => {
    const { notWith } = setting.info;
    if (notWith === undefined || written(setting) === undefined || written(notWith.other) === undefined) return [];
    return `${source(setting)}: ${notWith.why}, but ${source(notWith.other)} names one; drop either`;
  });
}

const PORTS_OF_THIS_HOST: readonly Setting<number>[] = [
  ...[API_SETTINGS.port, WORKER_SETTINGS.internalPort, METRICS_SETTINGS.apiPort, METRICS_SETTINGS.workerPort],
  ...[TEMPORAL_SETTINGS.port, TEMPORAL_SETTINGS.uiPort, GATEWAY_SETTINGS.port],
];

function samePorts({ written, source }: Known): string[] {
  const found: string[] = [];
  const takers = new Map<number, Setting>();
  for (const setting of PORTS_OF_THIS_HOST) {
    const port = written(setting);
    if (port === undefined || port === 0) continue;
    const other = takers.get(port);
    if (other !== undefined) found.push(`${source(setting)}: takes port ${port}, which ${source(other)} takes too`);
    takers.set(port, setting);
  }
  return found;
}

function ofProviders(known: Known): string[] {
  const { written, source, value, isWrong } = known;
  if (isWrong(providers)) return [];
  const offered = value(providers);
  return PROVIDERS.flatMap(({ name, settings }) => {
    if (offered.includes(name)) return settings.contradictions(known, API_SETTINGS);
    if (!settings.onlyWhenOffered) return [];
    const set = namedSettings(settings.tree, [name]).filter(({ setting }) => written(setting) !== undefined);
    return set.map(
      ({ setting }) => `${source(setting)}: is for the provider ${name}, which ${source(providers)} does not name`,
    );
  });
}
