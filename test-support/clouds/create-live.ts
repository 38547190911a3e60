/** A process that creates one real machine and then waits to be killed; its orders come as JSON on standard input. */
import { text } from 'node:stream/consumers';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { liveProvider } from './live-provider.ts';

const { cloud, deployment, request } = JSON.parse(await text(process.stdin)) as {
  cloud: string;
  deployment: string;
  request: CreateMachineRequest;
};
setInterval(() => undefined, 1000);
await (await liveProvider(cloud, deployment)).create(request, { signal: new AbortController().signal });
process.stdout.write('created\n');
