/** VMs that drain or are stopped, and are given to creates without a name, as `reuse` of their template allows. */
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { fits } from '../../domain/capacity/room.ts';
import { isOnOffer, reusable, takesReset, type Rung, type Wanted } from '../../domain/pool/reuse.ts';
import { takeBackUpdate } from '../../workflows/messages.ts';
import type { HostDirectory, KnownHost } from '../hosts/host-directory.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';
import type { Projection } from '../projection/projection.ts';
import type { VmDirectory } from '../vms/seen/vm-directory.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';

/** For all that one create asks: a new VM takes seconds, and nobody waits for two things. */
const ASK_SECONDS = 5;
/** VMs that one create asks at most: each was given to somebody else, or ended, since this replica saw it. */
const MAX_ASKED = 5;

interface Parts {
  projection: Pick<Projection, 'onOffer' | 'get' | 'see'>;
  directory: Pick<VmDirectory, 'handle' | 'within'>;
  hosts: Pick<HostDirectory, 'known'>;
  now: () => number;
}

export class ReusedVms {
  readonly #parts: Parts;
  /** Lives that a create of this replica is asking: no other one queues up behind it. */
  readonly #asked = new Set<string>();
  /** By rung and claim: the same request may come again while it is being answered. */
  readonly #taking = new Map<string, Promise<VmRecord | undefined>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The VM that was given to the create which `claim` names; undefined where there is none for it, or nobody answers. Never
   * rejects: then a new VM is made.
   */
  async take(project: string, rung: Rung, wanted: Wanted, claim: string): Promise<VmRecord | undefined> {
    const key = `${rung} ${claim}`;
    const underWay = this.#taking.get(key);
    if (underWay !== undefined) return underWay;
    const taking = this.#take(project, rung, wanted, claim);
    this.#taking.set(key, taking);
    try {
      return await taking;
    } finally {
      this.#taking.delete(key);
    }
  }

  async #take(project: string, rung: Rung, wanted: Wanted, claim: string): Promise<VmRecord | undefined> {
    const { projection, now } = this.#parts;
    const until = performance.now() + ASK_SECONDS * 1000;
    const records = new Map(projection.onOffer(project).map((record) => [record.view, record]));
    if (records.size === 0) return undefined;
    const closedHosts = await this.#closedHosts(rung, wanted);
    let asked = 0;
    const reset = takesReset(rung, wanted);
    for (const view of reusable([...records.keys()], rung, wanted, { now: now(), closedHosts })) {
      const record = records.get(view);
      const seconds = (until - performance.now()) / 1000;
      if (record === undefined || asked === MAX_ASKED || seconds <= 0) break;
      if (this.#asked.has(view.uid) || !this.#isStillOnOffer(record)) continue;
      asked += 1;
      const answer = await this.#ask(record, { claim, reset }, seconds);
      if (answer === 'noAnswer') break;
      if (answer !== 'refused') return answer;
    }
    return undefined;
  }

  /** Those that take no creates, or have no room for one more machine that runs, as one that is stopped would be. */
  async #closedHosts(rung: Rung, { spec }: Wanted): Promise<Set<string>> {
    const hosts = await this.#parts.hosts.known().catch(() => []);
    const { provider, cpus, memoryMb } = spec;
    const isFull = ({ host: { free }, roomless }: KnownHost): boolean =>
      rung === 'stopped' && !roomless.includes(provider) && !fits({ cpus, memoryMb, diskGb: 0 }, free);
    const closed = hosts.filter((known) => known.host.state !== 'ready' || isFull(known));
    return new Set(closed.map(({ host: { id } }) => id));
  }

  /** What was so when the create began may be somebody's by now. */
  #isStillOnOffer({ workflowId, view }: VmRecord): boolean {
    const latest = this.#parts.projection.get(workflowId);
    return latest?.closed === false && latest.view.uid === view.uid && isOnOffer(latest.view);
  }

  async #ask(
    record: VmRecord,
    { claim, reset }: { claim: string; reset: boolean },
    seconds: number,
  ): Promise<VmRecord | 'refused' | 'noAnswer'> {
    const { projection, directory } = this.#parts;
    const { uid } = record.view;
    this.#asked.add(uid);
    try {
      const handle = directory.handle(record.workflowId);
      const ask = () => handle.executeUpdate(takeBackUpdate, { args: [{ uid, claim, ...(reset ? { reset } : {}) }] });
      const given = { ...record, view: await directory.within(ask, seconds) };
      projection.see(given);
      return given;
    } catch (error) {
      return error instanceof WorkflowUpdateFailedError || isWorkflowGone(error) ? 'refused' : 'noAnswer';
    } finally {
      this.#asked.delete(uid);
    }
  }
}
