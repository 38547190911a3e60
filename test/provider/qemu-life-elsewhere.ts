/**
 * A process that gives one guest its whole life: creates it, prints the machine as JSON once its agent is ready,
 * and destroys it when its standard input ends. Its orders come as the first line of that.
 */
import { createInterface } from 'node:readline';
import type { CreateMachineRequest } from '../../domain/machine-provider.ts';
import { createQemuProvider, type QemuProviderOptions } from '../../providers/qemu/qemu-provider.ts';
import { untilAgentSaysReady } from '../agent-ready.ts';

const { signal } = new AbortController();
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { options, request, timeoutMs } = JSON.parse((await lines.next()).value as string) as {
  options: QemuProviderOptions;
  request: CreateMachineRequest;
  timeoutMs: number;
};
const provider = createQemuProvider(options);
const machine = await provider.create(request, signal);
if (machine.agent.kind !== 'unix') throw new Error('a guest has a channel for its agent');
await untilAgentSaysReady({ socketPath: machine.agent.path, timeoutMs });
process.stdout.write(`${JSON.stringify(machine)}\n`);
while ((await lines.next()).done !== true);
await provider.destroy(request.machineId, signal);
