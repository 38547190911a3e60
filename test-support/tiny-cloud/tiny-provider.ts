import { ProviderError } from '../../domain/machine/provider-error.ts';
import { machineLabels } from '../../domain/machine/owner.ts';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import type { ProviderParts } from '../../providers/descriptor.ts';
import type { TinySettings } from './settings.ts';

/** What was asked of the cloud, by machine. */
export const created = new Map<string, CreateMachineRequest>();
const machines = new Map<string, Machine>();
const destroyed = new Set<string>();

export function create({ own, deployment }: ProviderParts<TinySettings>): Promise<MachineProvider> {
  return Promise.resolve({
    name: 'tiny',
    create: (request) => Promise.resolve(machineOf(request, deployment, own.region)),
    describe: (machineId) => Promise.resolve(machines.get(machineId)),
    destroy: (machineId) => {
      machines.delete(machineId);
      destroyed.add(machineId);
      return Promise.resolve();
    },
    list: () => Promise.resolve([...machines.values()]),
    readConsole: () => Promise.resolve(undefined),
  });
}

function machineOf(request: CreateMachineRequest, deployment: string, region: string): Machine {
  const { machineId, spec, owner, startSignature } = request;
  if (destroyed.has(machineId)) throw new ProviderError('machineEnded', `${machineId} was destroyed`);
  created.set(machineId, request);
  const machine: Machine = {
    ...{ machineId, provider: 'tiny', host: null, zone: `${region}-1`, status: 'running', agent: { kind: 'http' } },
    ...{ address: { ip: '192.0.2.7', ports: spec.ports }, createdAt: Date.now(), startSignature },
    labels: machineLabels({ deployment, machineId, owner }),
  };
  machines.set(machineId, machine);
  return machine;
}
