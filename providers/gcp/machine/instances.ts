import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { CallSettings } from '../../cloud/api-calls.ts';
import type { ComputeCalls } from '../calls/compute-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { ComputeApi, InstanceResource, OperationResource } from '../calls/compute-api.ts';
import { LABEL, serverNameOf } from '../../cloud/resource-names.ts';
import { labelValueOf } from './instance-names.ts';
import { machineOf, recordOf, zoneOf } from './machine-facts.ts';

/** The most that Compute Engine puts on one page. */
export const LIST_PAGE_SIZE = 500;

/** Finds the instances of one deployment. Everything here only reads. */
export class Instances {
  private readonly api: ComputeApi;
  private readonly calls: ComputeCalls;
  private readonly project: string;
  private readonly deployment: string;
  private readonly pageSize: number;
  /** Where an instance of ours was seen: saves a search through all zones. */
  private readonly zones = new Map<string, string>();

  constructor(api: ComputeApi, calls: ComputeCalls, place: { project: string; deployment: string; pageSize: number }) {
    this.api = api;
    this.calls = calls;
    this.project = place.project;
    this.deployment = place.deployment;
    this.pageSize = place.pageSize;
  }

  nameOf(machineId: string): string {
    return serverNameOf(this.deployment, machineId);
  }

  /** The zone in which this process last saw the machine. */
  knownZone(machineId: string): string | undefined {
    return this.zones.get(machineId);
  }

  forget(machineId: string): void {
    this.zones.delete(machineId);
  }

  /** The machine's instance in one zone, or undefined when there is none. */
  async get(machineId: string, zone: string, settings: CallSettings): Promise<InstanceResource | undefined> {
    const instance = await this.calls.find(settings, (options) =>
      this.api.instances.get({ project: this.project, zone, instance: this.nameOf(machineId) }, options),
    );
    return instance === undefined ? undefined : this.own(machineId, instance);
  }

  /** The machine's instance, in whatever zone it is. */
  async find(machineId: string, settings: CallSettings): Promise<InstanceResource | undefined> {
    const zone = this.zones.get(machineId);
    if (zone !== undefined) return this.get(machineId, zone, settings);
    const [found] = await this.search(`name = "${this.nameOf(machineId)}"`, settings);
    return found === undefined ? undefined : this.own(machineId, found);
  }

  /** Every instance that carries this deployment's label. */
  async list(settings: CallSettings): Promise<InstanceResource[]> {
    const found = await this.search(`labels.${LABEL.deployment} = "${labelValueOf(this.deployment)}"`, settings);
    const ours = found.filter((instance) => recordOf(instance)?.labels.deployment === this.deployment);
    // What is not listed any more is not kept for ever; a zone that is forgotten costs one search.
    this.zones.clear();
    for (const instance of ours) this.remember(instance);
    return ours;
  }

  /** What was done lately to the machine's instance, in any zone. */
  async operationsOn(machineId: string, settings: CallSettings): Promise<OperationResource[]> {
    const filter = `targetLink eq ".*/instances/${this.nameOf(machineId)}"`;
    return this.calls.make(settings, async (options) => {
      const found: OperationResource[] = [];
      const pages = this.api.globalOperations.aggregatedListAsync(
        { project: this.project, filter, maxResults: this.pageSize },
        { ...options, autoPaginate: false },
      );
      for await (const [, { operations }] of pages) found.push(...(operations ?? []));
      return found;
    });
  }

  private async search(filter: string, settings: CallSettings): Promise<InstanceResource[]> {
    return this.calls.make(settings, async (options) => {
      const found: InstanceResource[] = [];
      const pages = this.api.instances.aggregatedListAsync(
        { project: this.project, filter, maxResults: this.pageSize, returnPartialSuccess: false },
        { ...options, autoPaginate: false },
      );
      for await (const [scope, { instances, warning }] of pages) {
        // A zone that cannot be asked is not a zone without the machine.
        if (warning?.code === 'UNREACHABLE') throw new CloudFailure('unavailable', 'UNREACHABLE', `${scope} is down`);
        found.push(...(instances ?? []));
      }
      return found;
    });
  }

  private own(machineId: string, instance: InstanceResource): InstanceResource {
    const labels = recordOf(instance)?.labels;
    if (labels?.machineId !== machineId || labels.deployment !== this.deployment) {
      const name = this.nameOf(machineId);
      throw new ProviderError('permissionDenied', `instance ${name} is not ours: it carries no record of ${machineId}`);
    }
    this.remember(instance);
    return instance;
  }

  private remember(instance: InstanceResource): void {
    const machine = machineOf(instance);
    if (machine !== undefined) this.zones.set(machine.machineId, zoneOf(instance));
  }
}
