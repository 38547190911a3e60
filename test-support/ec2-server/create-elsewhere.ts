/** A process that creates one machine and then waits to be killed; its orders come as JSON on standard input. */
import { text } from 'node:stream/consumers';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { createEc2Provider, type Ec2ProviderOptions } from '../../providers/ec2/ec2-provider.ts';

const { options, request } = JSON.parse(await text(process.stdin)) as {
  options: Ec2ProviderOptions;
  request: CreateMachineRequest;
};
setInterval(() => undefined, 1000);
await createEc2Provider(options).create(request, { signal: new AbortController().signal });
process.stdout.write('created\n');
