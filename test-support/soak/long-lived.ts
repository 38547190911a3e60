/** VMs whose histories are continued as new again and again, and a replica that only polls: it must know them to the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import type { Vm } from '../../client/api-client.ts';
import { viewQuery } from '../../workflows/messages.ts';
import type { TestServer } from '../temporal-server.ts';
import type { SoakScene } from './scene.ts';

/**
 * After so many events Temporal suggests to continue as new, and a VM does. It is a setting of the server, so nothing of
 * ours has one for tests: every VM of a soak moves on that often.
 */
export const SUGGEST_AT_EVENTS = 20;
export const DYNAMIC_CONFIG = { 'limit.historyCount.suggestContinueAsNew': SUGGEST_AT_EVENTS };

const MOVES_WANTED = 20;
const FAST_MS = 300;
const SLOW_MS = 10_000;
const HOLD_SECONDS = 3600;
const SAME_WITHIN_MS = 10_000;

export class LongLived {
  readonly name: string;
  readonly #scene: SoakScene;
  readonly #server: TestServer;
  #moves = 0;

  private constructor(scene: SoakScene, server: TestServer, name: string) {
    this.#scene = scene;
    this.#server = server;
    this.name = name;
  }

  static async start(scene: SoakScene, server: TestServer, name: string): Promise<LongLived> {
    await scene.createReady({ name, template: 'chat' });
    return new LongLived(scene, server, name);
  }

  get moves(): number {
    return this.#moves;
  }

  /** Lets something happen to it, fast until it has moved on often enough. */
  async livesOn(over: AbortSignal): Promise<void> {
    for (let second = 0; !over.aborted || this.#moves < MOVES_WANTED; second += 1) {
      const seconds = HOLD_SECONDS + (second % 2);
      await this.#scene.ask(`hold ${this.name}`, (calls) => calls.holdVm(this.name, seconds));
      if (second % 5 === 0) this.#moves = await this.#countMoves();
      await sleep(this.#moves < MOVES_WANTED ? FAST_MS : SLOW_MS, undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) await sleep(FAST_MS);
    }
  }

  async end(): Promise<void> {
    await this.#scene.destroy(this.name);
  }

  async #countMoves(): Promise<number> {
    const query = `WorkflowId = '${vmWorkflowId('default', this.name)}' AND ExecutionStatus = 'ContinuedAsNew'`;
    return (await this.#server.client.workflow.count(query)).count;
  }
}

type Seen = Pick<Vm, 'name' | 'uid' | 'machineId' | 'state' | 'aliveBecause'>;

/** What a replica lists of the VMs that live, against what their workflows say; both in words. */
export async function differences(scene: SoakScene, server: TestServer, replica: number): Promise<string[]> {
  const deadline = Date.now() + SAME_WITHIN_MS;
  for (;;) {
    const [listed, true_] = [await listedBy(scene, replica), await asTheyAre(server)];
    const found = [
      ...[...true_].filter((vm) => !listed.has(vm)).map((vm) => `replica ${replica} does not list ${vm}`),
      ...[...listed].filter((vm) => !true_.has(vm)).map((vm) => `replica ${replica} lists a ghost: ${vm}`),
    ];
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(500);
  }
}

async function listedBy({ stack }: SoakScene, replica: number): Promise<Set<string>> {
  const { body } = await stack.apis[replica]!.calls.listVms({ pageSize: 1000 });
  return new Set(body.vms.map(inWords));
}

async function asTheyAre({ client }: TestServer): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { workflowId } of client.workflow.list({
    query: `WorkflowType = 'vm' AND ExecutionStatus = 'Running'`,
  })) {
    found.add(inWords(await client.workflow.getHandle(workflowId).query(viewQuery)));
  }
  return found;
}

function inWords({ name, uid, machineId, state, aliveBecause }: Seen): string {
  return `${name} (${uid}, ${machineId ?? ''}) ${state} because of ${aliveBecause ?? 'nothing'}`;
}
