/** Azure as one of the clouds: how its virtual machines are found, made, changed and taken away. */
import type { CreateMachineRequest, MachineEndCause } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { CallBudget } from '../call-budget.ts';
import type { BackOff, CallSettings } from '../cloud/api-calls.ts';
import { CloudFailure } from '../cloud/cloud-failure.ts';
import type { Cloud, CloudServer, MakeOptions, PowerWish, RecordChange } from '../cloud/cloud.ts';
import { recordOfRequest } from '../cloud/machine-record.ts';
import { serverNameOf } from '../cloud/resource-names.ts';
import { serverUserData } from '../cloud/server-user-data.ts';
import { changedUserData } from './agent-proof.ts';
import type { AzureApi, MachineChange } from './calls/azure-api.ts';
import { AzureCalls } from './calls/azure-calls.ts';
import { azureClients, type AzureAccess } from './calls/azure-clients.ts';
import { RemainingCalls } from './calls/remaining-calls.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { AzureEndedIds } from './machine/ended-ids.ts';
import { imageReferenceOf } from './machine/image-reference.ts';
import { KeptImages, type AzureImage } from './machine/kept-images.ts';
import { MachineParts } from './machine/machine-parts.ts';
import { MOST_CUSTOM_DATA_BYTES, type MachineDefaults } from './machine/machine-resources.ts';
import { recordOfTags, sameTags, withRecord, withWish, type Tags } from './machine/machine-tags.ts';
import { partNamesOf } from './machine/resource-ids.ts';
import { partsOf, partsOnly, serverOf, type AzureServer } from './machine/server-facts.ts';
import { placeOf } from './place.ts';
import { subnetIn } from './rules.ts';
import { checkRequest } from './spec-check.ts';
import { AZURE_SCRIPTS } from './start-scripts.ts';

export interface AzureCloudOptions extends MachineDefaults {
  /** Places in the order to try. */
  places: readonly string[];
  endpoint: string | null;
  workerIdentity: string | null;
  /** Where machines fetch vm-server; null where the images have it already. */
  vmServerUrl: string | null;
  budget: CallBudget;
  backOff: BackOff;
  credential?: AzureAccess['credential'];
}

/** Tries of a change that only we make and that somebody else's change was faster than. */
const MOST_CHANGES = 5;
/** How long a removal that this process began is believed to go on. */
const REMOVING_MS = 10 * 60_000;

export class AzureCloud implements Cloud {
  readonly name = PROVIDER_NAME;
  /** A resource group has one machine of a name, and ours are made with `If-None-Match: *`. */
  readonly makesOnce = true;
  readonly ended: AzureEndedIds;
  readonly images: KeptImages;
  private readonly options: AzureCloudOptions;
  private readonly calls: AzureCalls;
  private readonly parts: MachineParts;
  private readonly remaining = new RemainingCalls();
  private clients: AzureApi | undefined;
  private loading: Promise<void> | undefined;
  /** Machines that this process has seen or made: each is ours. */
  private readonly known = new Set<string>();
  /** When this process began to take a machine away, epoch ms: what is left of it is no orphan. */
  private readonly removing = new Map<string, number>();

  constructor(options: AzureCloudOptions) {
    this.options = options;
    this.calls = new AzureCalls(options.budget, options.backOff, this.remaining, () => this.load());
    const api = (): AzureApi => this.api();
    this.parts = new MachineParts(api, this.calls, options);
    this.images = new KeptImages(api, this.calls, options);
    const location = placeOf(options.places[0] ?? '')?.location ?? '';
    this.ended = new AzureEndedIds(api, this.calls, { ...options, location });
  }

  check(request: CreateMachineRequest): void {
    checkRequest(request, this.options);
    this.userDataOf(request);
  }

  places(spec: VmSpec): readonly string[] {
    const wanted = spec.zones.length > 0 ? spec.zones : this.options.places;
    return wanted.filter((text) => {
      const location = placeOf(text)?.location;
      return location !== undefined && subnetIn(location, spec, this.options.rules, this.options) !== undefined;
    });
  }

  async find(machineId: string, settings: CallSettings): Promise<AzureServer[]> {
    const server = await this.machine(machineId, settings);
    return server === undefined ? [] : [server];
  }

  get(server: CloudServer, settings: CallSettings): Promise<AzureServer | undefined> {
    return this.machine(server.record.labels.machineId, settings);
  }

  async list(settings: CallSettings): Promise<AzureServer[]> {
    const { resourceGroup, deployment } = this.options;
    this.ended.pruneNowAndThen();
    // In this order: a machine whose parts were seen first is not taken for parts that were left behind.
    const parts = await this.parts.list(settings);
    const states = await this.calls.all(settings, (options) =>
      this.api().virtualMachines.listAll({ ...options, statusOnly: 'true' }),
    );
    const machines = await this.calls.all(settings, (options) =>
      this.api().virtualMachines.list(resourceGroup, options),
    );
    const statusesById = new Map(states.map(({ id, instanceView }) => [id?.toLowerCase(), instanceView?.statuses]));
    const servers = machines
      .map((machine) => serverOf(machine, deployment, statusesById.get(machine.id?.toLowerCase()) ?? []))
      .filter((server) => server !== undefined);
    const listed = new Set(servers.map(({ record }) => record.labels.machineId));
    const nowMs = Date.now();
    const alone = parts
      .map((part) => partsOf(part, deployment, nowMs))
      .filter((part) => part !== undefined)
      .filter(({ record: { labels } }) => !listed.has(labels.machineId) && !this.isRemoving(labels.machineId, nowMs));
    return [...servers, ...alone];
  }

  async make(
    request: CreateMachineRequest,
    { place: placeName, startImage }: MakeOptions,
    settings: CallSettings,
  ): Promise<CloudServer> {
    const { deployment, image: plainImage } = this.options;
    const place = placeOf(placeName);
    if (place === undefined) throw new CloudFailure('badRequest', 'place', `${placeName} is no place`);
    const kept = startImage as AzureImage | undefined;
    if (kept !== undefined && kept.location !== place.location) {
      throw new CloudFailure('noCapacity', 'ImageElsewhere', `the image is in ${kept.location}`);
    }
    const record = recordOfRequest(request, deployment);
    const names = partNamesOf(serverNameOf(deployment, request.machineId));
    const content = {
      image: kept === undefined ? imageReferenceOf(request.spec.image, this.options, plainImage) : { id: kept.id },
      leastDiskGb: kept?.diskGb ?? 0,
      userData: this.userDataOf(request),
    };
    const { ip, made } = await this.parts.make({ request, record, place, names }, content, settings);
    if (!made) {
      const there = await this.machine(request.machineId, settings);
      if (there !== undefined) return there;
      throw new CloudFailure('unavailable', 'Gone', `${names.machine} was there and is gone`);
    }
    this.known.add(request.machineId);
    const begun = { ...partsOnly(record, 'starting'), ip, place: placeName, location: place.location };
    return { ...begun, tags: {} } as CloudServer;
  }

  async remove(machineId: string, settings: CallSettings): Promise<'gone' | 'going'> {
    const { deployment, resourceGroup } = this.options;
    const name = serverNameOf(deployment, machineId);
    this.removing.set(machineId, Date.now());
    // Of a machine that this process does not know it first looks whether it is ours.
    if (this.known.has(machineId) || (await this.machine(machineId, settings)) !== undefined) {
      const isGoing = await this.calls.remove(settings, (options) =>
        this.api().virtualMachines.delete(resourceGroup, name, options),
      );
      if (isGoing) return 'going';
    }
    if (!(await this.parts.removeRest(name, settings))) return 'going';
    this.known.delete(machineId);
    this.removing.delete(machineId);
    return 'gone';
  }

  /** Whoever takes a machine away takes its parts too; where that process died, the sweep finds them later. */
  private isRemoving(machineId: string, nowMs: number): boolean {
    const since = this.removing.get(machineId);
    if (since === undefined) return false;
    if (nowMs - since < REMOVING_MS) return true;
    this.removing.delete(machineId);
    return false;
  }

  /** There is one machine of a name. */
  async removeOne(server: CloudServer, settings: CallSettings): Promise<void> {
    await this.remove(server.record.labels.machineId, settings);
  }

  async setWish(server: CloudServer, wish: PowerWish | null, settings: CallSettings): Promise<void> {
    await this.changed(server, settings, (tags) => ({ tags: { ...withWish(tags, wish) } }));
  }

  async stop(server: CloudServer, settings: CallSettings): Promise<void> {
    const { resourceGroup } = this.options;
    await this.calls.begin(settings, (options) =>
      this.api().virtualMachines.deallocate(resourceGroup, this.nameOf(server), options),
    );
  }

  async start(server: CloudServer, settings: CallSettings): Promise<void> {
    const { resourceGroup } = this.options;
    await this.calls.begin(settings, (options) =>
      this.api().virtualMachines.start(resourceGroup, this.nameOf(server), options),
    );
  }

  /** Tags and proof are one request, which is refused when the machine was changed since it was read. */
  async change(server: CloudServer, { record, spec, secret }: RecordChange, settings: CallSettings): Promise<void> {
    const { resourceGroup, deployment, identity } = this.options;
    const name = this.nameOf(server);
    const now = await this.calls.make(settings, (options) =>
      this.api().virtualMachines.get(resourceGroup, name, { ...options, expand: 'userData' }),
    );
    const before = recordOfTags(now.tags, deployment);
    if (JSON.stringify(before) !== JSON.stringify(server.record)) {
      throw new CloudFailure('fingerprint', 'RecordChanged', `${name} is another's by now`);
    }
    const tags = withRecord(now.tags ?? {}, record, spec?.labels);
    const userData = secret === undefined ? now.userData : changedUserData(now.userData ?? '', identity, secret);
    // Again is fine, and has to be: what comes next is refused while Azure is still at this.
    if (userData === now.userData && sameTags(tags, now.tags ?? {})) return;
    const change: MachineChange = { tags: { ...tags }, ...(secret === undefined ? {} : { userData: userData ?? '' }) };
    await this.update(name, change, now.etag, settings);
  }

  async console(server: CloudServer, settings: CallSettings): Promise<string | undefined> {
    const { resourceGroup } = this.options;
    const { serialConsoleLogBlobUri: url } = await this.calls.make(settings, (options) =>
      this.api().virtualMachines.retrieveBootDiagnosticsData(resourceGroup, this.nameOf(server), {
        ...options,
        sasUriExpirationTimeInMinutes: 5,
      }),
    );
    if (url === undefined) return undefined;
    // The address is of a storage account of Azure's, and good for these five minutes without any credential.
    const response = await fetch(url, { signal: AbortSignal.timeout(20_000) }).catch(() => undefined);
    return response?.ok === true ? response.text() : undefined;
  }

  /** Azure deallocates a spot machine that it takes back, and nothing in a machine can do that. */
  async endCause(machineId: string, settings: CallSettings): Promise<MachineEndCause | undefined> {
    const server = await this.machine(machineId, settings);
    return server?.isSpot === true && server.isDeallocated && server.wish === null ? 'preempted' : undefined;
  }

  private async machine(machineId: string, settings: CallSettings): Promise<AzureServer | undefined> {
    const { resourceGroup, deployment } = this.options;
    const name = serverNameOf(deployment, machineId);
    const found = await this.calls.find(settings, (options) =>
      this.api().virtualMachines.get(resourceGroup, name, { ...options, expand: 'instanceView' }),
    );
    if (found === undefined) return undefined;
    const server = serverOf(found, deployment);
    if (server?.record.labels.machineId === machineId) {
      this.known.add(machineId);
      return server;
    }
    throw new CloudFailure('permission', 'NotOurs', `${name} is not ours: it carries no record of ${machineId}`);
  }

  /** Of what only we change: what somebody else wrote in between stays, and ours is written again. */
  private async changed(
    server: CloudServer,
    settings: CallSettings,
    changeOf: (tags: Tags) => MachineChange,
  ): Promise<void> {
    const { resourceGroup } = this.options;
    const name = this.nameOf(server);
    let { tags, etag } = server as AzureServer;
    for (let attempt = 1; ; attempt++) {
      try {
        if (etag !== undefined || attempt > 1) {
          await this.update(name, changeOf(tags), etag, settings);
          return;
        }
      } catch (error) {
        if (!(error instanceof CloudFailure) || error.kind !== 'fingerprint' || attempt >= MOST_CHANGES) throw error;
      }
      const now = await this.calls.make(settings, (options) =>
        this.api().virtualMachines.get(resourceGroup, name, options),
      );
      ({ tags = {}, etag } = now);
    }
  }

  private async update(
    name: string,
    change: MachineChange,
    etag: string | undefined,
    settings: CallSettings,
  ): Promise<void> {
    const { resourceGroup } = this.options;
    await this.calls.begin(settings, (options) =>
      this.api().virtualMachines.update(resourceGroup, name, change, {
        ...options,
        ...(etag === undefined ? {} : { ifMatch: etag }),
      }),
    );
  }

  private nameOf({ record }: CloudServer): string {
    return serverNameOf(this.options.deployment, record.labels.machineId);
  }

  private userDataOf(request: CreateMachineRequest): string {
    const { deployment, identity, vmServerUrl } = this.options;
    return serverUserData(request, deployment, {
      cloud: AZURE_SCRIPTS,
      identity,
      vmServerUrl,
      maxBytes: MOST_CUSTOM_DATA_BYTES,
    });
  }

  private load(): Promise<void> {
    this.loading ??= azureClients(this.options, this.remaining).then((clients) => {
      this.clients = clients;
    });
    return this.loading;
  }

  /** Every call waits until they are there. */
  private api(): AzureApi {
    if (this.clients === undefined) throw new Error('the clients of Azure are not loaded');
    return this.clients;
  }
}
