/** A process that creates one machine and then waits to be killed; its orders come as JSON on standard input. */
import { text } from 'node:stream/consumers';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { createAzureProvider, type AzureProviderOptions } from '../../providers/azure/azure-provider.ts';

const { options, request } = JSON.parse(await text(process.stdin)) as {
  options: AzureProviderOptions;
  request: CreateMachineRequest;
};
setInterval(() => undefined, 1000);
await createAzureProvider(options).create(request, { signal: new AbortController().signal });
process.stdout.write('created\n');
