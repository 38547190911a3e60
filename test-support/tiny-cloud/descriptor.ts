/** A provider as a newcomer would write it: this folder, and one line in the registry. Its machines are notes in memory. */
import type { ProviderDescriptor } from '../../providers/descriptor.ts';
import { TINY_TREE, region, type TinySettings } from './settings.ts';

export const tiny: ProviderDescriptor<TinySettings> = {
  name: 'tiny',
  description: 'notes in memory, for a test',
  capabilities: {
    images: ['vm-server'],
    udpPorts: false,
    sizeEnforced: true,
    tcpReadiness: true,
    zones: true,
    hostSelector: false,
    disk: false,
    machineType: false,
    network: false,
    externalIp: false,
    spot: false,
    egress: true,
    egressRules: false,
    stop: false,
    reset: false,
    suspend: false,
    close: false,
    startupScript: true,
    userData: false,
    secretEnv: true,
    containerSecrets: false,
    warmMachines: false,
    sealedWithoutAgentReadiness: false,
  },
  placement: 'zone',
  hostRoom: 'never',
  callRate: { callsPerSecond: 100, burst: 200 },
  takesCallsItself: false,
  templates: { speck: { version: 1, spec: { image: 'vm-server', cpus: 2, readiness: { kind: 'machine' } } } },
  settings: {
    tree: TINY_TREE,
    onlyWhenOffered: true,
    contradictions: ({ written, source }, api) =>
      written(region) === 'south' && written(api.port) === 0 ? [`${source(region)}: is too far for any free port`] : [],
  },
  agentIdentity: {
    link: () => 'http',
    instances: {
      proofWord: 'tiny',
      isUsed: () => true,
      instanceName: (deployment, machineId) => `${deployment}-${machineId}`,
      verifier: () => ({
        verify: (token, { instanceName }) =>
          Promise.resolve(token === `i-am-${instanceName}` ? { instanceId: instanceName } : undefined),
      }),
    },
  },
  refuse: ({ cpus }) =>
    cpus <= 2 ? undefined : { code: 'optionNotAllowed', field: 'cpus', problem: 'a tiny machine has 2 at most' },
  load: () => import('./tiny-provider.ts'),
};
