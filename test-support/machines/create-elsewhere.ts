/** A process that creates one local machine and then waits to be killed; its manifests come as JSON on standard input. */
import { text } from 'node:stream/consumers';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { createLocalProvider, type LocalProviderOptions } from '../../providers/local/local-provider.ts';

const { options, request } = JSON.parse(await text(process.stdin)) as {
  options: LocalProviderOptions;
  request: CreateMachineRequest;
};
setInterval(() => undefined, 1000);
await createLocalProvider(options).create(request, { signal: new AbortController().signal });
process.stdout.write('created\n');
