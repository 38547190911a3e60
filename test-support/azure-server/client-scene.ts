/** The unmodified official clients against a strict server of its own, for one test. */
import { ComputeManagementClient, type VirtualMachine } from '@azure/arm-compute';
import { NetworkManagementClient } from '@azure/arm-network';
import type { CloudGuests, PlayedServer } from '../clouds/guests.ts';
import { startAzureServer, type AzureServer, type AzureServerOptions } from './server.ts';

/** Followed as fast as the server goes. */
export const QUICK = { updateIntervalInMs: 5 };
const SSH_KEY = `ssh-ed25519 ${Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 7),
]).toString('base64')}`;

export interface ClientScene {
  server: AzureServer;
  compute: ComputeManagementClient;
  network: NetworkManagementClient;
  /** The guests that run now, by the names of their VMs. */
  running: Map<string, PlayedServer>;
  group: string;
}

/** Over plain HTTP no token is sent, so there is no credential. */
export async function startClientScene(options: AzureServerOptions = {}): Promise<ClientScene> {
  const running = new Map<string, PlayedServer>();
  const guests: CloudGuests = {
    started: (one) => void running.set(one.name, one),
    stopped: (id) => {
      for (const [name, one] of running) if (one.id === id) running.delete(name);
    },
    close: () => undefined,
  };
  const server = await startAzureServer({ guests, ...options });
  const { endpoint, subscription } = server;
  const plain = { endpoint, allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
  return {
    server,
    running,
    compute: new ComputeManagementClient(undefined as never, subscription, plain),
    network: new NetworkManagementClient(undefined as never, subscription, plain),
    group: server.resourceGroup,
  };
}

export function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Makes a public address and answers its id. */
export async function makePublicIp({ network, group }: ClientScene, name: string): Promise<string> {
  const sku = { name: 'Standard' } as const;
  const body = { location: 'westeurope', sku, publicIPAllocationMethod: 'Static' } as const;
  const address = await network.publicIPAddresses.createOrUpdate(group, name, body, QUICK);
  return address.id ?? '';
}

/** Makes a network interface and answers its id. */
export async function makeNic(
  { network, group, server }: ClientScene,
  name: string,
  address?: string,
): Promise<string> {
  const publicIPAddress = address === undefined ? {} : { publicIPAddress: { id: address, deleteOption: 'Delete' } };
  const main = { name: 'main', subnet: { id: server.subnetId }, ...publicIPAddress };
  const body = { location: 'westeurope', ipConfigurations: [main] };
  const made = await network.networkInterfaces.createOrUpdate(group, name, body, QUICK);
  return made.id ?? '';
}

export function vmOf(name: string, nicId: string, more: Partial<VirtualMachine> = {}): VirtualMachine {
  return {
    location: 'westeurope',
    hardwareProfile: { vmSize: 'Standard_B2s' },
    storageProfile: {
      imageReference: { publisher: 'Debian', offer: 'debian-12', sku: '12-gen2', version: 'latest' },
      osDisk: { name: `${name}-disk`, createOption: 'FromImage', deleteOption: 'Delete' },
    },
    osProfile: {
      computerName: name,
      adminUsername: 'ephemera',
      customData: encoded('#cloud-config'),
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        ssh: { publicKeys: [{ path: '/home/ephemera/.ssh/authorized_keys', keyData: SSH_KEY }] },
      },
    },
    networkProfile: { networkInterfaces: [{ id: nicId, primary: true, deleteOption: 'Delete' }] },
    ...more,
  };
}

/** For a disk that has a system with users already. */
export function withoutSystem(vm: VirtualMachine): VirtualMachine {
  const { osProfile, ...rest } = vm;
  return osProfile === undefined ? vm : rest;
}

/** A VM with an interface and a public address of its own. */
export async function makeVm(
  scene: ClientScene,
  name: string,
  more: Partial<VirtualMachine> = {},
): Promise<VirtualMachine> {
  const id = await makeNic(scene, `${name}-nic`, await makePublicIp(scene, `${name}-ip`));
  return scene.compute.virtualMachines.createOrUpdate(scene.group, name, vmOf(name, id, more), QUICK);
}

/** `PowerState/running`. */
export async function powerOf({ compute, group }: ClientScene, name: string): Promise<string | undefined> {
  const { statuses } = await compute.virtualMachines.instanceView(group, name);
  return statuses?.map(({ code }) => code ?? '').find((code) => code.startsWith('PowerState/'));
}

/** The address of a resource, or of what is below it, in this scene's subscription and group. */
export function addressOf({ server, group }: ClientScene, path: string): string {
  return `${server.endpoint}/subscriptions/${server.subscription}/resourceGroups/${group}/providers/${path}`;
}
