import { z } from 'zod';
import { HOST_STATE_NAMES, type HostStateName } from '../../domain/host/state.ts';
import { choice } from '../../spec/choice.ts';

export const hostPathSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, '1 to 63 of a-z, 0-9 and "-", no "-" at either end')
    .describe('Id of the host: its EPHEMERA_HOST_ID.'),
});

const sizeSchema = z.object({
  cpus: z.number().describe('Virtual cpus.'),
  memoryMb: z.number().describe('Memory in MB.'),
  diskGb: z.number().describe('Disk in GB.'),
});

export const hostStateSchema = z.enum(HOST_STATE_NAMES).describe(
  choice<HostStateName>('What it does.', {
    ready: 'it takes new VMs',
    cordoned: 'it takes no new ones; those it has go on',
    draining: 'it takes no new ones, and those it has end when their users have left',
    away: 'it does not answer; `lostAt` says until when it may return',
    lost: 'its machines count as lost',
  }),
);

export const hostSchema = z
  .object({
    id: z.string().describe('Id of the host.'),
    zone: z.string().optional().describe('Zone that it is in; absent where it has none.'),
    labels: z.record(z.string(), z.string()).describe('What specs choose it by, with `hostSelector`.'),
    state: hostStateSchema,
    provider: z.array(z.string()).describe('Providers that it runs machines for.'),
    capacity: sizeSchema.describe('What it gives to machines.'),
    free: sizeSchema.describe('What is left of that, as it said last.'),
    machines: z.int().describe('Machines on it, as it said last.'),
    version: z.string().describe('Version of Ephemera that it runs.'),
    lastSeenAt: z.iso.datetime().describe('When it reported last; of one that is away, when that was noticed.'),
    lostAt: z.iso.datetime().optional().describe('When its machines count as lost, where it is away.'),
  })
  .meta({ id: 'Host', description: 'A computer that runs machines.' });
export type ApiHost = z.infer<typeof hostSchema>;

export const hostListSchema = z
  .object({ hosts: z.array(hostSchema).describe('Each host, in the order of their ids.') })
  .meta({ id: 'HostList', description: 'The hosts of the deployment.' });
