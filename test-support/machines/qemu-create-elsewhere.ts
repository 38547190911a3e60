/** A process that creates one guest and then waits to be killed; its manifests come as JSON on standard input. */
import { text } from 'node:stream/consumers';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { createQemuProvider, type QemuProviderOptions } from '../../providers/qemu/qemu-provider.ts';

const { options, request } = JSON.parse(await text(process.stdin)) as {
  options: QemuProviderOptions;
  request: CreateMachineRequest;
};
setInterval(() => undefined, 1000);
await createQemuProvider(options).create(request, { signal: new AbortController().signal });
process.stdout.write('created\n');
