/**
 * Ids of machines that are over. Azure keeps no trace of what was deleted, so each leaves an application security group, which
 * groups nothing, costs nothing and is no part of a machine: its name is taken, and that is all.
 */
import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { EndedIds } from '../../cloud/cloud.ts';
import { LABEL, serverNameOf } from '../../cloud/resource-names.ts';
import type { ApplicationSecurityGroupResource, AzureApi } from '../calls/azure-api.ts';
import type { AzureCalls } from '../calls/azure-calls.ts';
import { TAG, madeAt } from './machine-tags.ts';

const KEPT_MS = 24 * 3600_000;
/** A subscription has room for 3,000 in a region; past this the oldest go before their day is over. */
const MOST_KEPT = 2000;
/** How many are taken away in one round: the calls are of the same budget as those of machines. */
const MOST_AT_ONCE = 50;
/** Between two rounds of one process. */
const ROUND_MS = 10 * 60_000;

const BACKGROUND: CallSettings = { purpose: 'starting', signal: new AbortController().signal };

export interface EndedIdOptions {
  deployment: string;
  resourceGroup: string;
  location: string;
}

export class AzureEndedIds implements EndedIds {
  private readonly api: () => AzureApi;
  private readonly calls: AzureCalls;
  private readonly options: EndedIdOptions;
  private lastRound = Date.now();

  constructor(api: () => AzureApi, calls: AzureCalls, options: EndedIdOptions) {
    this.api = api;
    this.calls = calls;
    this.options = options;
  }

  async note(machineId: string, settings: CallSettings): Promise<void> {
    const { deployment, resourceGroup, location } = this.options;
    const name = serverNameOf(deployment, machineId);
    const tags = { [LABEL.deployment]: deployment, [TAG.made]: new Date().toISOString() };
    try {
      await this.calls.begin(settings, (options) =>
        this.api().applicationSecurityGroups.createOrUpdate(resourceGroup, name, { location, tags }, options),
      );
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      // It is noted: by a worker whose settings have another location first.
      if (error.reason === 'InvalidResourceLocation') return;
      // Where there is no room for a mark, a machine still has to go: this process remembers its id by itself.
      if (error.kind !== 'noCapacity') throw error;
      this.lastRound = 0;
    }
  }

  async has(machineId: string, settings: CallSettings): Promise<boolean> {
    const { deployment, resourceGroup } = this.options;
    const name = serverNameOf(deployment, machineId);
    const found = await this.calls.find(settings, (options) =>
      this.api().applicationSecurityGroups.get(resourceGroup, name, options),
    );
    return found !== undefined;
  }

  /** Takes away those that are older than a day; called with every list, which waits for none of it. */
  pruneNowAndThen(): void {
    const nowMs = Date.now();
    if (nowMs - this.lastRound < ROUND_MS) return;
    this.lastRound = nowMs;
    // What is left of them for another round costs nothing.
    void this.prune(BACKGROUND, nowMs).catch(() => undefined);
  }

  private async prune(settings: CallSettings, nowMs: number): Promise<void> {
    const { deployment, resourceGroup } = this.options;
    const all = await this.calls.all(settings, (options) =>
      this.api().applicationSecurityGroups.list(resourceGroup, options),
    );
    const ours = all.filter(({ tags }) => tags?.[LABEL.deployment] === deployment && madeAt(tags) > 0);
    const oldest = ours.sort((one, other) => madeAt(one.tags) - madeAt(other.tags));
    const tooMany = oldest.length - MOST_KEPT;
    const over = oldest.filter(({ tags }, index) => index < tooMany || nowMs - madeAt(tags) > KEPT_MS);
    for (const group of over.slice(0, MOST_AT_ONCE)) await this.removeMark(group, settings);
  }

  private async removeMark({ name = '' }: ApplicationSecurityGroupResource, settings: CallSettings): Promise<void> {
    const { resourceGroup } = this.options;
    await this.calls.remove(settings, (options) =>
      this.api().applicationSecurityGroups.delete(resourceGroup, name, options),
    );
  }
}
