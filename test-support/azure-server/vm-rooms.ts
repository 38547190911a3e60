/** Where there is room for VMs and where there is none. */
import { ArmError, type OperationError } from './arm-error.ts';
import type { Vm } from './resources.ts';
import { SIZES, type VmSize } from './sizes.ts';
import type { Store } from './store.ts';
import { sizeOf } from './vm-rules.ts';

const VM = 'Microsoft.Compute/virtualMachines';

export class VmRooms {
  /** Places without room, where a VM fails while it is being made: a zone, a location, or `SIZE in PLACE`. */
  readonly stockedOut = new Set<string>();
  /** Places that refuse a VM at once: a zone, a location, or `SIZE in PLACE`. */
  readonly unavailable = new Set<string>();
  /** Cores of each location. */
  coreQuota = Infinity;
  /** Cores of a family, in each location. */
  readonly familyQuotas = new Map<string, number>();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What is known before anything is made. @throws ArmError 409 */
  check(vm: Vm): void {
    const size = sizeOf(vm.properties);
    const { location = '', zones = [], id } = vm;
    if (placesOf(vm, size).some((place) => this.unavailable.has(place))) {
      const message = `The requested VM size for resource '${id}' is currently not available in location '${location}' zones '${zones.join(',')}' for subscription '${this.#store.options.subscription}'. Please try another size or deploy to a different location or zones. See https://aka.ms/azureskunotavailable for details.`;
      throw new ArmError(409, 'SkuNotAvailable', message);
    }
    const others = this.#store.all(VM).filter((one) => one.location === location && one.id !== id);
    const cores = (ofFamily?: string): number =>
      others
        .map((one) => sizeOf(one.properties))
        .filter((one) => ofFamily === undefined || one.family === ofFamily)
        .reduce((sum, one) => sum + one.cpus, 0);
    this.#checkQuota('Total Regional Cores', this.coreQuota, cores(), size.cpus, location);
    const ofFamily = this.familyQuotas.get(size.family) ?? Infinity;
    this.#checkQuota(`${size.family} Cores`, ofFamily, cores(size.family), size.cpus, location, 'QuotaExceeded');
  }

  /** What turns out while the VM is being made or started. */
  allocate(vm: Vm): OperationError | undefined {
    const places = placesOf(vm, sizeOf(vm.properties));
    if (!places.some((place) => this.stockedOut.has(place))) return undefined;
    if ((vm.zones ?? []).length === 0) {
      const message =
        'Allocation failed. We do not have sufficient capacity for the requested VM size in this region. Read more about improving likelihood of allocation success at http://aka.ms/allocation-guidance';
      return { code: 'AllocationFailed', message };
    }
    const message =
      'Allocation failed. We do not have sufficient capacity for the requested VM size in this zone. Read more about improving likelihood of allocation success at http://aka.ms/allocation-guidance';
    return { code: 'ZonalAllocationFailed', message };
  }

  usages(location: string): unknown[] {
    const here = this.#store.all(VM).filter((one) => one.location === location);
    const cores = here.map((vm) => sizeOf(vm.properties));
    const sum = (sizes: readonly VmSize[]): number => sizes.reduce((total, one) => total + one.cpus, 0);
    const usage = (value: string, localizedValue: string, currentValue: number, limit: number): unknown => ({
      unit: 'Count',
      currentValue,
      limit: Math.min(limit, 100_000),
      name: { value, localizedValue },
    });
    const families = [...new Set([...SIZES.values()].map((one) => one.family))];
    return [
      usage('cores', 'Total Regional vCPUs', sum(cores), this.coreQuota),
      usage('virtualMachines', 'Virtual Machines', here.length, 25_000),
      usage('lowPriorityCores', 'Total Regional Low-priority vCPUs', 0, 100),
      ...families.map((family) => {
        const limit = this.familyQuotas.get(family) ?? Infinity;
        return usage(family, `${family} vCPUs`, sum(cores.filter((one) => one.family === family)), limit);
      }),
    ];
  }

  /** What a location says of sizes: one entry each. */
  skus(location: string): unknown[] {
    const { zones } = this.#store.options;
    return [...SIZES.values()].map((size) => {
      const missing = zones.filter(
        (zone) => this.unavailable.has(`${size.name} in ${zone}`) || this.unavailable.has(zone),
      );
      const nowhere = this.unavailable.has(location) || this.unavailable.has(`${size.name} in ${location}`);
      const reasonCode = 'NotAvailableForSubscription';
      const restriction = { values: [location], restrictionInfo: { locations: [location] }, reasonCode };
      return {
        resourceType: 'virtualMachines',
        name: size.name,
        tier: 'Standard',
        size: size.name.replace('Standard_', ''),
        family: size.family,
        locations: [location],
        locationInfo: [{ location, zones, zoneDetails: [] }],
        capabilities: [
          { name: 'vCPUs', value: `${size.cpus}` },
          { name: 'MemoryGB', value: `${size.memoryGb}` },
          { name: 'LowPriorityCapable', value: 'True' },
        ],
        restrictions: [
          ...(nowhere ? [{ type: 'Location', ...restriction }] : []),
          ...(missing.length > 0
            ? [{ type: 'Zone', ...restriction, restrictionInfo: { locations: [location], zones: missing } }]
            : []),
        ],
      };
    });
  }

  #checkQuota(
    what: string,
    limit: number,
    used: number,
    wanted: number,
    location: string,
    code = 'OperationNotAllowed',
  ): void {
    if (used + wanted <= limit) return;
    const message = `Operation could not be completed as it results in exceeding approved ${what} quota. Additional details - Deployment Model: Resource Manager, Location: ${location}, Current Limit: ${limit}, Current Usage: ${used}, Additional Required: ${wanted}, (Minimum) New Limit Required: ${used + wanted}.`;
    throw new ArmError(409, code, message);
  }
}

/** As {@link VmRooms.stockedOut} has them. */
function placesOf({ location = '', zones = [] }: Vm, size: VmSize): string[] {
  return [location, ...zones].flatMap((place) => [place, `${size.name} in ${place}`]);
}
