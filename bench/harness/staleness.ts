/** How long a change of a VM takes until the list of an API replica shows it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Vm } from '../../client/api-client.ts';
import { reportSignal } from '../../workflows/messages.ts';

const LOOK_MS = 25;
/** A change that the list does not show by then counts with this time. */
const GIVE_UP_MS = 30_000;

export interface WatchedVm {
  workflowId: string;
  name: string;
  machineId: string;
}

export interface StalenessInput {
  client: Client;
  /** VMs that run on a polled queue and that are on the page. */
  vms: WatchedVm[];
  readPage: () => Promise<Vm[]>;
}

/** Grows over all watches of a run: a VM takes no older report. */
let lastSequence = 10;

/** Changes the VMs' counts and looks at the list, until it is stopped. */
export class StalenessWatch {
  /** From sending the signal until a list showed what it said. */
  readonly delaysMs: number[] = [];
  readonly #input: StalenessInput;
  readonly #shown = new Map<string, number>();
  readonly #running: Promise<unknown>;
  #stopped = false;
  #allShown = false;

  constructor(input: StalenessInput) {
    this.#input = input;
    const changing = Promise.all(input.vms.map((vm) => this.#change(vm))).finally(() => {
      this.#allShown = true;
    });
    this.#running = Promise.all([changing, this.#look()]);
  }

  /** Makes no more changes; resolves when those made were shown. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #look(): Promise<void> {
    while (!this.#allShown) {
      const vms = await this.#input.readPage();
      for (const { name, connections = 0 } of vms) this.#shown.set(name, connections);
      await sleep(LOOK_MS);
    }
  }

  async #change({ workflowId, name, machineId }: WatchedVm): Promise<void> {
    while (!this.#stopped) {
      await sleep(Math.random() * 2000);
      lastSequence += 1;
      const sequence = lastSequence;
      const sentAt = Date.now();
      const report = { machineId, sequence, connections: sequence, sentAt };
      await this.#input.client.workflow.getHandle(workflowId).signal(reportSignal, report);
      while (this.#shown.get(name) !== sequence && Date.now() - sentAt < GIVE_UP_MS) {
        await sleep(5);
      }
      this.delaysMs.push(Date.now() - sentAt);
    }
  }
}
