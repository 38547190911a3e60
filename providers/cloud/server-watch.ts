import type { CallPurpose } from '../../domain/capacity/call-budget.ts';
import type { CancelSignal } from '../../domain/machine/provider.ts';
import { orAborted, pause } from './api-calls.ts';
import type { Cloud, CloudServer } from './cloud.ts';

/** So many servers of a list cost about as many calls as one look at one server. */
const SERVERS_OF_ONE_CALL = 100;
/** Between two looks at a server that takes its time; of `pollMs` each. */
const LONGEST_PAUSE = 5;
const GROWTH = 1.4;

interface SharedList {
  startedAt: number;
  /** It has not been answered yet. */
  isOpen: boolean;
  servers: Promise<ReadonlyMap<string, CloudServer[]>>;
}

/**
 * Looks at servers that are on their way. While many are waited for, one list serves all of them: what a life costs does not
 * grow with how long its cloud takes.
 */
export class ServerWatch {
  private readonly cloud: Cloud;
  private readonly pollMs: number;
  private readonly purpose: CallPurpose;
  private waiting = 0;
  private listSize = 0;
  private latest: SharedList | undefined;

  constructor(cloud: Cloud, options: { pollMs: number; purpose: CallPurpose }) {
    this.cloud = cloud;
    this.pollMs = options.pollMs;
    this.purpose = options.purpose;
  }

  /** Looks at a machine's servers, the first time after a pause, until `decide` has an answer. */
  async follow<Answer>(
    machineId: string,
    first: readonly CloudServer[],
    signal: CancelSignal,
    decide: (servers: readonly CloudServer[]) => Promise<Answer | undefined>,
  ): Promise<Answer> {
    const since = performance.now();
    let servers = first;
    this.waiting += 1;
    try {
      for (let polls = 0; ; polls++) {
        await pause(this.pollMs * Math.min(LONGEST_PAUSE, GROWTH ** polls), signal);
        servers = (await this.look(machineId, servers, since, signal)) ?? servers;
        const answer = await decide(servers);
        if (answer !== undefined) return answer;
      }
    } finally {
      this.waiting -= 1;
    }
  }

  /** Undefined where nothing can be said yet. */
  private async look(
    machineId: string,
    known: readonly CloudServer[],
    since: number,
    signal: CancelSignal,
  ): Promise<CloudServer[] | undefined> {
    if (this.waiting > Math.max(1, this.listSize / SERVERS_OF_ONE_CALL)) {
      const { startedAt, servers } = this.list();
      const found = (await orAborted(servers, signal)).get(machineId);
      // What was made after the list was asked for cannot be on it.
      if (found !== undefined) return found;
      if (startedAt <= since) return undefined;
      // Who waits for an end makes sure of it by another call.
      if (this.purpose === 'destroy') return [];
    }
    const settings = { purpose: this.purpose, signal };
    const [only] = known;
    if (!this.cloud.makesOnce || only === undefined || known.length > 1) return this.cloud.find(machineId, settings);
    const server = await this.cloud.get(only, settings);
    return server === undefined ? [] : [server];
  }

  /** Asked for by nobody in particular: the signal of one must not end it for the others. */
  private list(): SharedList {
    const now = performance.now();
    // One that takes its time is waited for: it is not asked for once more meanwhile.
    const isNew = this.latest !== undefined && (this.latest.isOpen || now - this.latest.startedAt <= this.pollMs);
    if (this.latest !== undefined && isNew) return this.latest;
    const settings = { purpose: this.purpose, signal: new AbortController().signal };
    const servers = this.cloud.list(settings).then((found) => this.byMachine(found));
    const begun: SharedList = { startedAt: now, isOpen: true, servers };
    this.latest = begun;
    servers
      .catch(() => {
        if (this.latest === begun) this.latest = undefined;
      })
      .finally(() => {
        begun.isOpen = false;
      });
    return begun;
  }

  private byMachine(found: readonly CloudServer[]): ReadonlyMap<string, CloudServer[]> {
    this.listSize = found.length;
    const servers = new Map<string, CloudServer[]>();
    for (const server of found) {
      const { machineId } = server.record.labels;
      servers.set(machineId, [...(servers.get(machineId) ?? []), server]);
    }
    return servers;
  }
}
