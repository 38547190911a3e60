/**
 * Machines that are servers of a cloud. All that is known of them is in the cloud itself, so any number of workers see the
 * same ones. docs/decisions/0094 says what keeps one machine from becoming two, or outliving its end.
 */
import type {
  CallContext,
  CreateMachineRequest,
  Machine,
  MachineAdoption,
  MachineEndCause,
  MachinePowerControl,
  MachineProvider,
  WantedConsole,
} from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { BackOff } from './api-calls.ts';
import {
  ended,
  firstOf,
  isGivenUp,
  isMachineId,
  machineOf,
  machineOfServers,
  withMappedErrors,
} from './cloud-machine.ts';
import { ongoing, type CloudParts } from './cloud-parts.ts';
import type { Cloud, CloudImage, CloudServer } from './cloud.ts';
import { CloudMachineAdoptions } from './machine-adoption.ts';
import { CloudMachineImages } from './machine-images.ts';
import { MachineMaker } from './machine-maker.ts';
import { powerControl } from './machine-power.ts';
import { MachineRemoval } from './machine-removal.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { ServerWatch } from './server-watch.ts';
import { Tombstones } from './tombstones.ts';

export interface CloudProviderOptions {
  cloud: Cloud;
  deployment: string;
  /** Between two looks at a server that is not where it should be yet. */
  pollMs?: number;
  /** How long a destroy waits for a make that may be on its way, when it finds no server. */
  settleMs?: number;
  /** Between tries of a make whose answer was lost, and how long it is tried. */
  backOff?: BackOff;
}

const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, mostMs: 15_000, budgetMs: 60_000 };
const DEFAULT_SETTLE_MS = 5000;
const DEFAULT_POLL_MS = 1000;

/** Makes the provider; no call goes out before the first method is called. */
export function createCloudProvider(options: CloudProviderOptions): MachineProvider {
  return new CloudProvider(options);
}

class CloudProvider implements MachineProvider {
  readonly name: string;
  readonly power: MachinePowerControl;
  readonly images?: CloudMachineImages;
  private readonly parts: CloudParts;
  private readonly maker: MachineMaker;
  private readonly removal: MachineRemoval;
  private readonly adoptions: CloudMachineAdoptions;
  /** Servers beside the first of their machine, as the last list had them. */
  private surplus = new Set<string>();

  constructor(options: CloudProviderOptions) {
    const { cloud, deployment, pollMs = DEFAULT_POLL_MS, settleMs = DEFAULT_SETTLE_MS } = options;
    this.name = cloud.name;
    this.parts = {
      ...{ cloud, deployment, pollMs, settleMs, backOff: options.backOff ?? DEFAULT_BACK_OFF },
      ...{ tombstones: new Tombstones(), inTurn: new OneAtATime() },
      watch: new ServerWatch(cloud, { pollMs, purpose: 'ongoing' }),
      watchOfEnds: new ServerWatch(cloud, { pollMs, purpose: 'destroy' }),
    };
    this.removal = new MachineRemoval(this.parts);
    this.maker = new MachineMaker(this.parts, this.removal);
    this.power = powerControl(this.parts);
    this.adoptions = new CloudMachineAdoptions(this.parts);
    if (cloud.images !== undefined) this.images = new CloudMachineImages(this.parts, cloud.images);
  }

  async create(request: CreateMachineRequest, { signal }: CallContext): Promise<Machine> {
    signal.throwIfAborted();
    const { cloud, tombstones, inTurn } = this.parts;
    const { machineId } = request;
    if (!isMachineId(machineId)) throw bad('machineId', `${JSON.stringify(machineId)} is none`);
    cloud.check(request);
    if (tombstones.has(machineId)) throw ended(machineId, 'was destroyed; its id is never used again');
    return withMappedErrors(`create ${machineId}`, () =>
      inTurn.run(machineId, signal, async () => {
        const startImage = await this.startImageOf(request, signal);
        return this.maker.make(request, startImage, signal);
      }),
    );
  }

  async describe(machineId: string, { signal }: CallContext): Promise<Machine | undefined> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return undefined;
    return withMappedErrors(`describe ${machineId}`, async () =>
      this.machineOf(machineId, await this.parts.cloud.find(machineId, ongoing(signal))),
    );
  }

  async destroy(machineId: string, { signal }: CallContext): Promise<void> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return;
    await withMappedErrors(`destroy ${machineId}`, () => this.removal.destroy(machineId, signal));
  }

  async list({ signal }: CallContext): Promise<Machine[]> {
    signal.throwIfAborted();
    return withMappedErrors('list the machines', async () => {
      const servers = await this.parts.cloud.list(ongoing(signal));
      const byMachine = new Map<string, CloudServer[]>();
      for (const server of servers) {
        const { machineId } = server.record.labels;
        byMachine.set(machineId, [...(byMachine.get(machineId) ?? []), server]);
      }
      await this.removeSurplus([...byMachine.values()], { signal });
      return [...byMachine].flatMap(([machineId, ofMachine]) => this.machineOf(machineId, ofMachine) ?? []);
    });
  }

  adopt(adoption: MachineAdoption, { signal }: CallContext): Promise<Machine> {
    return this.adoptions.adopt(adoption, signal);
  }

  async readConsole(
    machineId: string,
    { maxBytes, owner }: WantedConsole,
    { signal }: CallContext,
  ): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return undefined;
    return withMappedErrors(`read the console of ${machineId}`, async () => {
      const server = firstOf(await this.parts.cloud.find(machineId, ongoing(signal)));
      if (server === undefined || (owner !== undefined && server.record.labels.owner !== owner)) return undefined;
      const output = await this.parts.cloud.console(server, ongoing(signal));
      return output === undefined ? undefined : lastBytes(new TextEncoder().encode(output), maxBytes);
    });
  }

  async endCause(machineId: string, { signal }: CallContext): Promise<MachineEndCause | undefined> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return undefined;
    const cause = this.parts.cloud.endCause?.(machineId, ongoing(signal));
    return withMappedErrors(`ask for the end of ${machineId}`, () => cause ?? Promise.resolve(undefined));
  }

  private machineOf(machineId: string, servers: readonly CloudServer[]): Machine | undefined {
    const first = firstOf(servers);
    if (first !== undefined) return machineOf(this.name, first);
    // What was left of a make that was given up; a cloud may remember it for a while after it was removed.
    return this.parts.tombstones.isGone(machineId) ? undefined : machineOfServers(this.name, servers.filter(isGivenUp));
  }

  private async startImageOf(
    { spec, owner }: CreateMachineRequest,
    signal: CallContext['signal'],
  ): Promise<CloudImage | undefined> {
    const { imageId } = spec.startFrom ?? {};
    if (imageId === undefined) return undefined;
    if (this.images === undefined) throw bad('startFrom', `${this.name} makes no images of machines`);
    return this.images.startImageOf(imageId, owner, signal);
  }

  /** A second server of a machine that a lost answer made after its create had looked. One that another process removes is left to it. */
  private async removeSurplus(machines: readonly CloudServer[][], { signal }: CallContext): Promise<void> {
    const { cloud } = this.parts;
    const before = this.surplus;
    this.surplus = new Set();
    if (cloud.makesOnce && cloud.makesOncePerPlace !== true) return;
    for (const servers of machines) {
      const first = firstOf(servers);
      if (first === undefined) continue;
      const others = servers.filter(({ id, status }) => id !== first.id && status !== 'gone');
      for (const { id } of others) this.surplus.add(id);
      const again = others.filter(({ id }) => before.has(id));
      await this.removal.removeOthers(first, again, signal);
    }
  }
}

function lastBytes(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return bytes.subarray(Math.max(0, bytes.byteLength - maxBytes));
}

function bad(field: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field ${field}: ${problem}`);
}
