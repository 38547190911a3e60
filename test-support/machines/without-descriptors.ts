/**
 * A process that looks at one machine of this host after it has used up its own file descriptors, tries to destroy it,
 * and prints what each call answered. Its manifests come as JSON on standard input.
 */
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import { createLocalProvider, type LocalProviderOptions } from '../../providers/local/local-provider.ts';
import { createQemuProvider, type QemuProviderOptions } from '../../providers/qemu/qemu-provider.ts';

export type HostOfMachine =
  | { kind: 'local'; options: LocalProviderOptions; machineId: string }
  | { kind: 'qemu'; options: QemuProviderOptions; machineId: string };

/** A call's answer: the status of a machine, `undefined` for none, or the code of its error. */
export interface SeenWithoutDescriptors {
  before: string;
  described: string;
  listed: string;
  destroyed: string;
  consoleRead: string;
  after: string;
}

const TURNS_WITHOUT_A_FREE_ONE = 10;

const { signal } = new AbortController();
const host = JSON.parse(await text(process.stdin)) as HostOfMachine;
const { machineId } = host;
const provider: MachineProvider =
  host.kind === 'local' ? createLocalProvider(host.options) : createQemuProvider(host.options);
// Opens what it needs before there is nothing left.
process.stdout.write('\n');

const answerOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    (answer) => String(answer),
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
const status = async (): Promise<string> =>
  answerOf(provider.describe(machineId, { signal }).then((machine) => machine?.status));

const before = await status();
const taken: number[] = [];
const described = await withoutDescriptors(status);
const listed = await withoutDescriptors(() =>
  answerOf(provider.list({ signal }).then((machines) => machines.map((one) => one.status).join())),
);
const consoleRead = await withoutDescriptors(() =>
  answerOf(provider.readConsole(machineId, { maxBytes: 100 }, { signal }).then((bytes) => bytes?.length)),
);
const destroyed = await withoutDescriptors(() => answerOf(provider.destroy(machineId, { signal })));
for (const descriptor of taken) closeSync(descriptor);
const after = await status();
const seen: SeenWithoutDescriptors = { before, described, listed, destroyed, consoleRead, after };
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit());

/** What is given back later, as a pipe that closes when the system gets to it, is taken first: until nothing more comes. */
async function withoutDescriptors(call: () => Promise<string>): Promise<string> {
  for (let still = 0; still < TURNS_WITHOUT_A_FREE_ONE; still++) {
    const free = takeAll();
    taken.push(...free);
    if (free.length > 0) still = 0;
    await setTimeout(5);
  }
  taken.push(...takeAll());
  return call();
}

function takeAll(): number[] {
  const descriptors: number[] = [];
  for (;;) {
    try {
      descriptors.push(openSync('/dev/null', 'r'));
    } catch {
      return descriptors;
    }
  }
}
