/** What the lives of a soak have in common: the stack, and what must not have happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateVm } from '../../client/api-client.ts';
import type { Answer, ApiCalls, ShownVm } from '../api/api-calls.ts';
import type { Stack } from '../stack.ts';

const LOOK_MS = 500;
const DEADLINE_MS = 120_000;

export class SoakScene {
  readonly stack: Stack;
  /** Answers of the API that say that something went wrong, and requests without an answer. */
  readonly apiErrors: string[] = [];
  requests = 0;

  constructor(stack: Stack) {
    this.stack = stack;
  }

  /** Calls the API. @throws Error for an answer that is none of success, which is also kept in `apiErrors`. */
  async ask<Body>(what: string, call: (calls: ApiCalls) => Promise<Answer<Body>>): Promise<Body> {
    this.requests += 1;
    const answer = await call(this.stack.calls).catch((error: unknown) => String(error));
    if (typeof answer !== 'string' && answer.status < 400) return answer.body;
    const why = typeof answer === 'string' ? answer : `${answer.status} ${JSON.stringify(answer.body)}`;
    this.apiErrors.push(`${what}: ${why}`);
    throw new Error(`${what}: ${why}`);
  }

  /** Destroys a VM and waits until its machine is gone. */
  async destroy(name: string): Promise<void> {
    await this.ask(`destroy ${name}`, (calls) => calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 120 }));
  }

  /** The answer to a create, waited for until the VM is ready. */
  async createReady(body: CreateVm & { name: string }): Promise<ShownVm> {
    return this.ask(`create ${body.name}`, (calls) => calls.createVm(body, { wait: 'ready', timeoutSeconds: 120 }));
  }

  /** Waits until a VM is as wanted. */
  async see(name: string, what: string, wanted: (vm: ShownVm) => boolean): Promise<ShownVm> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const vm = await this.ask(`get ${name}`, (calls) => calls.getVm(name));
      if (wanted(vm)) return vm;
      if (Date.now() > deadline) throw new Error(`${name} was never ${what}: ${JSON.stringify(vm)}`);
      await sleep(LOOK_MS);
    }
  }
}
