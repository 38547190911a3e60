/** What the lives of a soak have in common: the stack, and what must not have happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VmView } from '../../../domain/vm-view.ts';
import type { ApiAnswer, Stack } from '../../stack.ts';

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
  async call(method: string, path: string, body?: unknown): Promise<ApiAnswer['body']> {
    this.requests += 1;
    const answer = await this.stack.call(method, path, body).catch((error: unknown) => String(error));
    if (typeof answer !== 'string' && answer.status < 400) return answer.body;
    const what = typeof answer === 'string' ? answer : `${answer.status} ${JSON.stringify(answer.body)}`;
    this.apiErrors.push(`${method} ${path}: ${what}`);
    throw new Error(`${method} ${path}: ${what}`);
  }

  /** Waits until a VM is as wanted. */
  async see(name: string, what: string, wanted: (vm: VmView) => boolean): Promise<VmView> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const vm = await this.call('GET', `/v1/vms/${name}`);
      if (wanted(vm)) return vm;
      if (Date.now() > deadline) throw new Error(`${name} was never ${what}: ${JSON.stringify(vm)}`);
      await sleep(LOOK_MS);
    }
  }
}
