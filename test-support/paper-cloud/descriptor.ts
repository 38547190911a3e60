/** A provider as a newcomer would write it: this folder, and one line in the registry. */
import type { ProviderDescriptor } from '../../providers/descriptor.ts';
import { serverNameOf } from '../../providers/cloud/resource-names.ts';
import { PAPER_TREE, region, type PaperSettings } from './settings.ts';

export const paper: ProviderDescriptor<PaperSettings> = {
  name: 'paper',
  description: 'servers on paper, for tests',
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
    stop: true,
    reset: false,
    suspend: true,
    close: true,
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
  takesCallsItself: true,
  templates: { speck: { version: 1, spec: { image: 'vm-server', cpus: 2, readiness: { kind: 'machine' } } } },
  settings: {
    tree: PAPER_TREE,
    onlyWhenOffered: true,
    contradictions: ({ written, source }, api) =>
      written(region) === 'south' && written(api.port) === 0 ? [`${source(region)}: is too far for any free port`] : [],
  },
  agentIdentity: {
    link: () => 'http',
    instances: {
      proofWord: 'paper',
      isUsed: () => true,
      instanceName: serverNameOf,
      verifier: () => ({
        verify: (token, { instanceName }) =>
          Promise.resolve(token === `i-am-${instanceName}` ? { instanceId: instanceName } : undefined),
      }),
    },
  },
  refuse: ({ cpus }) =>
    cpus <= 2 ? undefined : { code: 'optionNotAllowed', field: 'cpus', problem: 'a paper machine has 2 at most' },
  load: () => import('./paper-provider.ts'),
};
