/** What a scenario of an example has: the API, a place to tell what it does, and somebody who cleans up after it. */
import type { ApiClient, CreateVm, Vm } from '../client/api-client.ts';

export interface Example {
  /** Its folder in examples/. */
  name: string;
  /** One sentence. */
  about: string;
  /** What one command shows. Rejects at the first thing that is not as it should be. */
  play: (stage: Stage) => Promise<void>;
}

export interface Stage {
  api: ApiClient;
  apiUrl: string;
  /** An API key of the project. */
  apiKey: string;
  /** The checkout. */
  root: string;
  /** Does one step and says so in one line; a text that comes back is shown beside it. */
  step: (name: string, work: () => Promise<unknown>) => Promise<void>;
  /** Puts the templates of a file of the checkout, as `npm run apply` does; they are deleted in the end. */
  apply: (file: string) => Promise<void>;
  /** Creates a VM and waits until it is ready; it is deleted in the end. */
  create: (body: CreateVm) => Promise<Vm>;
  get: (name: string) => Promise<Vm>;
  /** Waits until the VM is as wanted; the last thing seen of it is in the error. */
  see: (name: string, what: string, wanted: (vm: Vm) => boolean, deadlineSeconds?: number) => Promise<Vm>;
  /** A program of the checkout with the API and its key in its environment; what it prints. Rejects unless it ends with 0. */
  run: (command: string, args: readonly string[]) => Promise<string>;
  /** Also this is deleted in the end, wherever it came from. */
  owns: (vmName: string) => void;
}

/** Something is not as the example says it is. */
export class ExampleError extends Error {
  override readonly name = 'ExampleError';
}

/** The address of a port of a running VM. */
export function placeOf(vm: Vm, portName: string): { ip: string; port: number } {
  const port = vm.address?.ports.find(({ name }) => name === portName)?.port;
  if (vm.address === undefined || port === undefined) {
    throw new ExampleError(`${vm.name} is ${vm.state} and has no address with a port ${portName}`);
  }
  return { ip: vm.address.ip, port };
}

export function expectThat(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new ExampleError(otherwise);
}

/** Asks again until it says yes. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean, deadlineSeconds = 20): Promise<void> {
  const deadline = Date.now() + deadlineSeconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new ExampleError(`never in ${deadlineSeconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
