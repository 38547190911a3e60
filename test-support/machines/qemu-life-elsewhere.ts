/**
 * A process that gives one guest its whole life: creates it, prints the machine as JSON once its agent is ready,
 * and destroys it when its standard input ends. Its manifests come as the first line of that.
 */
import { createInterface } from 'node:readline';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { createQemuProvider, type QemuProviderOptions } from '../../providers/qemu/qemu-provider.ts';
import { untilAgentSaysReady } from '../agent-ready.ts';

/** A guest that ended is not waited for: its console says why. */
const LOOK_EVERY_MS = 1000;
const { signal } = new AbortController();
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { options, request, timeoutMs } = JSON.parse((await lines.next()).value as string) as {
  options: QemuProviderOptions;
  request: CreateMachineRequest;
  timeoutMs: number;
};
const provider = createQemuProvider(options);
const machine = await provider.create(request, { signal });
if (machine.agent.kind !== 'unix') throw new Error('a guest has a channel for its agent');
let isAlive = true;
const watch = setInterval(() => {
  const look = provider.describe(request.machineId, { signal });
  void look.then((seen) => (isAlive = seen !== undefined && seen.status !== 'ended')).catch(() => undefined);
}, LOOK_EVERY_MS);
await untilAgentSaysReady({ socketPath: machine.agent.path, timeoutMs, isAlive: () => isAlive });
clearInterval(watch);
process.stdout.write(`${JSON.stringify(machine)}\n`);
while ((await lines.next()).done !== true);
await provider.destroy(request.machineId, { signal });
