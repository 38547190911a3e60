/** Makes and takes away what a machine consists of. */
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { AzureApi, NetworkInterfaceResource, PublicIpResource } from '../calls/azure-api.ts';
import type { AzureCalls } from '../calls/azure-calls.ts';
import { subnetIn } from '../rules.ts';
import {
  machineResource,
  networkInterfaceResource,
  publicIpResource,
  type MachineContent,
  type MachineDefaults,
  type Wanted,
} from './machine-resources.ts';
import { partNamesOf } from './resource-ids.ts';

export class MachineParts {
  private readonly api: () => AzureApi;
  private readonly calls: AzureCalls;
  private readonly defaults: MachineDefaults;

  constructor(api: () => AzureApi, calls: AzureCalls, defaults: MachineDefaults) {
    this.api = api;
    this.calls = calls;
    this.defaults = defaults;
  }

  /**
   * The addresses first, then the machine, which takes them with it when it is deleted. What is there already of an earlier
   * try is used again. Resolves with its address when Azure has accepted it, `exists` when there was one.
   */
  async make(
    wanted: Wanted,
    content: Omit<MachineContent, 'ip'>,
    settings: CallSettings,
  ): Promise<{ ip: string; made: boolean }> {
    const { resourceGroup } = this.defaults;
    try {
      const ip = await this.address(wanted, settings);
      const resource = machineResource(wanted, { ...content, ip }, this.defaults);
      // Whatever comes late or twice: a machine that is there is never changed by a make.
      await this.calls.begin(settings, (options) =>
        this.api().virtualMachines.createOrUpdate(resourceGroup, wanted.names.machine, resource, {
          ...options,
          ifNoneMatch: '*',
        }),
      );
      return { ip, made: true };
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      if (error.kind === 'fingerprint' || error.kind === 'exists') return { ip: '', made: false };
      // Nothing of it can still come to be: what was made for it goes again. Where that fails, the next sweep finds it.
      if (!error.passes) {
        await this.removeAddresses(wanted.names.machine, settings).catch(() => undefined);
      }
      // They are those of a try in another location, or another process has just taken them away.
      const isOfAnother = error.reason === 'InvalidResourceReference' && error.message.includes('/networkInterfaces/');
      if (isOfAnother || error.reason === 'InvalidResourceLocation') {
        throw new CloudFailure('notReady', error.reason, error.message);
      }
      throw withImage(error);
    }
  }

  /** Every interface, and every address on the internet: that is made first, and a maker may die before the other one. */
  async list(settings: CallSettings): Promise<(NetworkInterfaceResource | PublicIpResource)[]> {
    const { resourceGroup, rules } = this.defaults;
    const interfaces = await this.calls.all(settings, (options) =>
      this.api().networkInterfaces.list(resourceGroup, options),
    );
    if (rules.externalIp === 'never') return interfaces;
    const addresses = await this.calls.all(settings, (options) =>
      this.api().publicIPAddresses.list(resourceGroup, options),
    );
    return [...interfaces, ...addresses];
  }

  /** Begins whatever is still to be done. True when nothing is left; the machine itself must be gone. */
  async removeRest(server: string, settings: CallSettings): Promise<boolean> {
    const { resourceGroup } = this.defaults;
    const { disk } = partNamesOf(server);
    const addressesGone = await this.removeAddresses(server, settings);
    const diskThere = await this.calls.remove(settings, (options) =>
      this.api().disks.delete(resourceGroup, disk, options),
    );
    return addressesGone && !diskThere;
  }

  private async removeAddresses(server: string, settings: CallSettings): Promise<boolean> {
    const { resourceGroup, rules } = this.defaults;
    const { networkInterface, publicIp } = partNamesOf(server);
    const there = await this.calls.remove(settings, (options) =>
      this.api().networkInterfaces.delete(resourceGroup, networkInterface, options),
    );
    // An address that is in use cannot be deleted.
    if (there) return false;
    if (rules.externalIp === 'never') return true;
    return !(await this.calls.remove(settings, (options) =>
      this.api().publicIPAddresses.delete(resourceGroup, publicIp, options),
    ));
  }

  /** Where the machine will be reached. */
  private async address(wanted: Wanted, settings: CallSettings): Promise<string> {
    const { request, place, names } = wanted;
    const { resourceGroup, rules } = this.defaults;
    const subnet = subnetIn(place.location, request.spec, rules, this.defaults);
    if (subnet === undefined) {
      throw new CloudFailure('noCapacity', 'NoSubnet', `no subnet of this deployment is in ${place.location}`);
    }
    const outer = request.spec.externalIp ? await this.publicIp(wanted, settings) : undefined;
    const resource = networkInterfaceResource(wanted, subnet, this.defaults);
    const answer = await this.calls.begin(settings, (options) =>
      this.api().networkInterfaces.createOrUpdate(resourceGroup, names.networkInterface, resource, options),
    );
    const inner =
      innerAddressOf(propertiesOf(answer)) ??
      innerAddressOf(
        await this.calls.make(settings, (options) =>
          this.api().networkInterfaces.get(resourceGroup, names.networkInterface, options),
        ),
      );
    const ip = outer ?? inner;
    if (ip === undefined) throw notYet(names.networkInterface);
    return ip;
  }

  private async publicIp(wanted: Wanted, settings: CallSettings): Promise<string> {
    const { resourceGroup } = this.defaults;
    const { publicIp } = wanted.names;
    const left = await this.calls.find(settings, (options) =>
      this.api().publicIPAddresses.get(resourceGroup, publicIp, options),
    );
    // Written once more it would be made ready once more, and the interface that it is for always come too early.
    const isKept = left?.location === wanted.place.location && left.provisioningState !== 'Failed';
    if (isKept) return readyAddress(left, publicIp);
    const answer = await this.calls.begin(settings, (options) =>
      this.api().publicIPAddresses.createOrUpdate(resourceGroup, publicIp, publicIpResource(wanted), options),
    );
    return readyAddress(propertiesOf(answer), publicIp);
  }
}

/** The make is tried again in a moment, and finds what it has made so far. */
function notYet(name: string): CloudFailure {
  return new CloudFailure('unavailable', 'NoAddress', `${name} has no address yet`);
}

function readyAddress({ ipAddress, provisioningState }: PublicIpResource, name: string): string {
  if (ipAddress === undefined || provisioningState !== 'Succeeded') throw notYet(name);
  return ipAddress;
}

/** As it came: what has a `properties` below it. */
function propertiesOf(answer: unknown): NetworkInterfaceResource & PublicIpResource {
  return (answer as { properties?: object } | undefined)?.properties ?? {};
}

function innerAddressOf({ ipConfigurations }: NetworkInterfaceResource): string | undefined {
  const [first] = (ipConfigurations ?? []) as {
    privateIPAddress?: string;
    properties?: { privateIPAddress?: string };
  }[];
  return first?.privateIPAddress ?? first?.properties?.privateIPAddress;
}

/** An image that does not exist has a code of its own. */
function withImage(failure: CloudFailure): Error {
  const isImage =
    /image/i.test(failure.reason) || /imageReference|\/images\/|\/galleries\/|platform image/i.test(failure.message);
  if (!isImage || (failure.kind !== 'notFound' && failure.kind !== 'badRequest')) return failure;
  return new ProviderError('imageUnknown', failure.message, { cause: failure });
}
