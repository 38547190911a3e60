import type { CancelSignal } from '../../domain/machine/provider.ts';
import { pause } from './api-calls.ts';
import { isAlive, isFailure, isGivenUp } from './cloud-machine.ts';
import { destroying, type CloudParts } from './cloud-parts.ts';
import type { CloudServer } from './cloud.ts';

/** So often something is looked at that was asked to go, before it is asked again. */
const LOOKS_BEFORE_NEXT = 8;

/** Takes machines away, and looks until nothing is left of them. */
export class MachineRemoval {
  private readonly parts: CloudParts;

  constructor(parts: CloudParts) {
    this.parts = parts;
  }

  /** For good: from before the first look on no process makes the machine, or finds out and removes what it made. */
  async destroy(machineId: string, signal: CancelSignal): Promise<void> {
    const { cloud, tombstones } = this.parts;
    tombstones.add(machineId);
    if (tombstones.isGone(machineId)) {
      await this.untilGone(machineId, signal);
      return;
    }
    await cloud.ended?.note(machineId, destroying(signal));
    await this.untilSettled(machineId, signal);
    tombstones.noteGone(machineId);
  }

  /** As `untilGone`, also of what a make that is on its way, or was just answered, shows only in a while. */
  async untilSettled(machineId: string, signal: CancelSignal): Promise<void> {
    if (await this.untilGone(machineId, signal)) return;
    await pause(this.parts.settleMs, signal);
    await this.untilGone(machineId, signal);
  }

  /** True where there was something to remove. */
  async untilGone(machineId: string, signal: CancelSignal): Promise<boolean> {
    const { watchOfEnds } = this.parts;
    for (let looks = 0; ; looks++) {
      if ((await this.removeOnce(machineId, signal)) === 'gone') return looks > 0;
      let seenLeft = 0;
      await watchOfEnds.follow(machineId, [], signal, (servers) => {
        const left = servers.some((server) => isAlive(server) || isGivenUp(server));
        if (left) seenLeft += 1;
        // One that does not go was asked at a wrong moment, or its cloud gave up: it is asked again.
        return Promise.resolve(left && seenLeft < LOOKS_BEFORE_NEXT ? undefined : true);
      });
    }
  }

  /** Of several servers with one id the others than the one that stays. */
  async removeOthers(stays: CloudServer, servers: readonly CloudServer[], signal: CancelSignal): Promise<void> {
    const { cloud } = this.parts;
    for (const other of servers) {
      if (other.id === stays.id || !isAlive(other)) continue;
      await cloud.removeOne(other, destroying(signal)).catch((error: unknown) => {
        // Gone already, or on its way: whoever looks again sees it while it is not.
        if (!isFailure(error, 'notFound', 'notReady')) throw error;
      });
    }
  }

  private async removeOnce(machineId: string, signal: CancelSignal): Promise<'gone' | 'going'> {
    try {
      return await this.parts.cloud.remove(machineId, destroying(signal));
    } catch (error) {
      if (!isFailure(error, 'notReady')) throw error;
      return 'going';
    }
  }
}
