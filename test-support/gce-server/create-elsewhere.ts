/** A process that creates one machine and then waits to be killed; its orders come as JSON on standard input. */
import { text } from 'node:stream/consumers';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { createGcpProvider, type GcpProviderOptions } from '../../providers/gcp/gcp-provider.ts';

const { options, request } = JSON.parse(await text(process.stdin)) as {
  options: GcpProviderOptions;
  request: CreateMachineRequest;
};
setInterval(() => undefined, 1000);
await createGcpProvider(options).create(request, { signal: new AbortController().signal });
process.stdout.write('created\n');
