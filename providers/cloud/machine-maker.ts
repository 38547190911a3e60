import type { CancelSignal, CreateMachineRequest, Machine } from '../../domain/machine/provider.ts';
import { backoffMs } from '../../lib/waiting/backoff.ts';
import { pause } from './api-calls.ts';
import { CloudFailure } from './cloud-failure.ts';
import { ended, firstOf, isFailure, isGivenUp, isMachineEnded, machineOf } from './cloud-machine.ts';
import { ongoing, once, type CloudParts } from './cloud-parts.ts';
import type { CloudImage, CloudServer, MakeOptions } from './cloud.ts';
import { imageGone } from './machine-images.ts';
import type { MachineRemoval } from './machine-removal.ts';

/** One create: what it has found out so far. */
interface Making {
  request: CreateMachineRequest;
  signal: CancelSignal;
  startImage: CloudImage | undefined;
  startedAt: number;
  /** Servers that the cloud gave up, and that were removed: they say nothing of what comes after them. */
  removed: Set<string>;
  /** Something was asked for. */
  tried: boolean;
  /** An answer was lost, so that there may be one server more than was seen. */
  lost: boolean;
}

/**
 * Makes machines so that one is at most one server, whatever is lost or repeated: it looks before each try, and where the cloud
 * could have made two, afterwards. docs/decisions/0094 says what that is worth.
 */
export class MachineMaker {
  private readonly parts: CloudParts;
  private readonly removal: MachineRemoval;

  constructor(parts: CloudParts, removal: MachineRemoval) {
    this.parts = parts;
    this.removal = removal;
  }

  /** The machine once it runs and has an address, or as it is where it was stopped on request. */
  async make(
    request: CreateMachineRequest,
    startImage: CloudImage | undefined,
    signal: CancelSignal,
  ): Promise<Machine> {
    const making: Making = {
      ...{ request, signal, startImage, startedAt: Date.now() },
      ...{ removed: new Set(), tried: false, lost: false },
    };
    try {
      const machine = await this.makeInFirstPlace(making);
      await this.removeDestroyed(making);
      return machine;
    } catch (error) {
      if (making.tried && !signal.aborted && isMachineEnded(error)) await this.removeDestroyed(making);
      throw error;
    }
  }

  private async makeInFirstPlace(making: Making): Promise<Machine> {
    const places = this.parts.cloud.places(making.request.spec);
    let full: CloudFailure | undefined;
    for (const place of places) {
      const outcome = await this.makeAt(place, making);
      if (!(outcome instanceof CloudFailure)) return outcome;
      full = outcome;
    }
    const why = full === undefined ? '' : `: ${full.message}`;
    throw new CloudFailure('noCapacity', full?.reason ?? 'noPlace', `no room in ${places.join(', ')}${why}`);
  }

  /** A destroy that came meanwhile, in whatever process, wins: what was made after its last look goes too. */
  private async removeDestroyed({ request: { machineId }, signal }: Making): Promise<void> {
    const { cloud, tombstones } = this.parts;
    const destroyed = tombstones.has(machineId) || (await cloud.ended?.has(machineId, ongoing(signal))) === true;
    if (!destroyed) return;
    await this.removal.untilSettled(machineId, signal);
    throw ended(machineId, 'was destroyed while it was made');
  }

  /** The machine, or why this place has no room for it. */
  private async makeAt(place: string, making: Making): Promise<Machine | CloudFailure> {
    for (let attempt = 0; ; attempt++) {
      let failure: CloudFailure;
      try {
        const found = await this.present(making);
        const server = found ?? (await this.tryOnce({ place, startImage: making.startImage }, making));
        return await this.awaitRunning(server, making);
      } catch (error) {
        if (!(error instanceof CloudFailure)) throw error;
        failure = error;
      }
      if (failure.kind === 'noCapacity') return failure;
      if (!failure.passes && failure.kind !== 'exists' && failure.kind !== 'notReady') {
        throw await this.explained(failure, making);
      }
      // What is in the way belongs to this machine, or to something that is going: the next look tells.
      if (failure.kind !== 'rateLimited') making.lost = true;
      await this.backOff(attempt, failure, making);
    }
  }

  private async tryOnce(options: MakeOptions, making: Making): Promise<CloudServer> {
    const { cloud } = this.parts;
    const { request, signal } = making;
    const { machineId } = request;
    this.refuseDestroyed(machineId);
    making.tried = true;
    const made = await cloud.make(request, options, once(signal));
    return cloud.makesOnce ? made : this.theOneThatStays(made, making);
  }

  /** The server that stays, of all that are there now. */
  private async theOneThatStays(made: CloudServer, { request, signal }: Making): Promise<CloudServer> {
    const found = await this.parts.cloud.find(request.machineId, ongoing(signal));
    // One that was just made may not be found yet.
    const servers = found.some(({ id }) => id === made.id) ? found : [...found, made];
    return (await this.only(servers, signal)) ?? made;
  }

  private async only(servers: readonly CloudServer[], signal: CancelSignal): Promise<CloudServer | undefined> {
    const first = firstOf(servers);
    if (first !== undefined) await this.removal.removeOthers(first, servers, signal);
    return first;
  }

  /** What an earlier try or another process made. Refuses a machine that was there before, and one that was destroyed. */
  private async present(making: Making): Promise<CloudServer | undefined> {
    const { cloud } = this.parts;
    const { request, signal, removed } = making;
    const { machineId } = request;
    const settings = ongoing(signal);
    const [servers, isEnded] = await Promise.all([
      cloud.find(machineId, settings),
      cloud.ended?.has(machineId, settings) ?? false,
    ]);
    if (isEnded) throw ended(machineId, 'was destroyed; its id is never used again');
    const first = await this.only(servers, signal);
    if (first !== undefined) return first;
    const left = servers.filter(({ id }) => !removed.has(id));
    if (left.some((server) => !isGivenUp(server))) throw ended(machineId, 'is gone; a machine lives once');
    if (left.length > 0) await this.removeGivenUp(left, making);
    return undefined;
  }

  private async removeGivenUp(servers: readonly CloudServer[], { request, signal, removed }: Making): Promise<void> {
    await this.removal.untilGone(request.machineId, signal);
    for (const { id } of servers) removed.add(id);
  }

  private async awaitRunning(first: CloudServer, making: Making): Promise<Machine> {
    const { cloud, watch } = this.parts;
    const { request, signal } = making;
    const { machineId } = request;
    let seenAt = performance.now();
    const decide = async (servers: readonly CloudServer[]): Promise<Machine | undefined> => {
      this.refuseDestroyed(machineId);
      const server = await this.only(servers, signal);
      if (server !== undefined) {
        seenAt = performance.now();
        const machine = machineOf(cloud.name, server);
        // One that goes may be the second of two, taken away by the process whose own was the first: it shows which.
        if (machine.status === 'ended' && server.status === 'stopping') return undefined;
        if (machine.status === 'ended') throw ended(machineId, 'ended; a machine lives once');
        return machine.status === 'starting' ? undefined : machine;
      }
      await this.throwGivenUp(servers, making);
      // One that was just made may not be found yet.
      const isGone = servers.length > 0 || performance.now() - seenAt > this.parts.settleMs;
      if (isGone) {
        const other = this.mayHaveOther(making) ? firstOf(await cloud.find(machineId, ongoing(signal))) : undefined;
        // The first of two, by which another process took this one away.
        if (other !== undefined && !servers.some(({ id }) => id === other.id)) return decide([other]);
        throw ended(machineId, 'is gone');
      }
      return undefined;
    };
    const machine = (await decide([first])) ?? (await watch.follow(machineId, [first], signal, decide));
    return this.mayHaveOther(making) ? this.lookOnceMore(machine, making) : machine;
  }

  /** A make whose answer was lost, or that of another process in another place, may show only now. */
  private mayHaveOther({ request, lost }: Making): boolean {
    const { cloud } = this.parts;
    if (!cloud.makesOnce) return lost;
    return cloud.makesOncePerPlace === true && cloud.places(request.spec).length > 1;
  }

  private async lookOnceMore(machine: Machine, making: Making): Promise<Machine> {
    const { request, signal } = making;
    const servers = await this.parts.cloud.find(request.machineId, ongoing(signal));
    const first = await this.only(servers, signal);
    if (first === undefined) return machine;
    const now = machineOf(this.parts.cloud.name, first);
    if (now.instanceId === machine.instanceId) return now.status === 'starting' ? machine : now;
    return this.awaitRunning(first, making);
  }

  private async throwGivenUp(servers: readonly CloudServer[], making: Making): Promise<void> {
    const left = servers.filter((server) => isGivenUp(server) && !making.removed.has(server.id));
    const [failure] = left.map((server) => server.failure);
    if (failure === undefined) return;
    await this.removeGivenUp(left, making);
    throw failure;
  }

  /** Gives up where it has tried for long enough. */
  private async backOff(attempt: number, failure: CloudFailure, making: Making): Promise<void> {
    const { backOff, cloud, settleMs } = this.parts;
    const waitMs = backoffMs({ firstMs: backOff.firstMs, longestMs: backOff.mostMs }, attempt);
    const pauseMs = Math.max(waitMs, failure.retryAfterMs ?? 0);
    if (Date.now() - making.startedAt + pauseMs > backOff.budgetMs) throw failure;
    await pause(pauseMs, making.signal);
    if (cloud.makesOnce || failure.kind === 'rateLimited') return;
    // Where another try could make a second server, the first one gets its time to be found.
    const untilMs = Date.now() + settleMs;
    while (Date.now() < untilMs) {
      const found = await this.parts.cloud.find(making.request.machineId, ongoing(making.signal));
      if (found.length > 0) return;
      await pause(Math.min(this.parts.pollMs, Math.max(0, untilMs - Date.now())), making.signal);
    }
  }

  /** An image that is deleted while a machine is made from it has its own code. */
  private async explained(failure: CloudFailure, { startImage, signal }: Making): Promise<unknown> {
    const { images } = this.parts.cloud;
    if (startImage === undefined || images === undefined || !isFailure(failure, 'notFound', 'badRequest'))
      return failure;
    const found = await images.find(startImage.record.imageId, ongoing(signal));
    return found.some(({ id }) => id === startImage.id) ? failure : imageGone(startImage);
  }

  private refuseDestroyed(machineId: string): void {
    if (this.parts.tombstones.has(machineId)) throw ended(machineId, 'was destroyed; its id is never used again');
  }
}
