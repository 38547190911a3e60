import { z } from 'zod';
import { VM_ACTIONS, type VmAction } from '../../domain/vm/actions.ts';
import { ALIVE_BECAUSE, type DeadlineKind } from '../../domain/vm/deadlines.ts';
import { END_REASONS, STARTED_FROM, TIMELINE_ENTRY_KINDS, VM_STATE_NAMES } from '../../domain/vm/state.ts';
import type { MachineAddress } from '../../domain/machine/provider.ts';
import { REACHES, type Reach } from '../../domain/network/ipv4.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { choice } from '../../spec/choice.ts';
import { PROTOCOL_TEXT } from '../../spec/spec-fields.ts';
import { templateRefSchema } from '../../spec/spec-schemas.ts';
import { PROVIDER_TEXT, vmSpecSchema } from './spec.ts';
import {
  ALIVE_BECAUSE_TEXT,
  DEADLINE_TEXT,
  END_REASON_TEXT,
  STARTED_FROM_TEXT,
  TIMELINE_KIND_TEXT,
  VM_ACTION_TEXT,
  VM_STATE_TEXT,
} from './explanations.ts';

const timeSchema = z.iso.datetime();

const DEADLINE_KINDS = [
  'create',
  'ready',
  'neverConnected',
  'idle',
  'softLifetime',
  'drained',
  'confirm',
  'silence',
  'lost',
  'start',
  'retention',
  'forceTimeout',
  'maxLifetime',
] as const satisfies readonly DeadlineKind[];

const textSchema = (description: string) => z.string().describe(description);
const whenSchema = (description: string) => timeSchema.describe(description);

const portSchema = z.object({
  name: textSchema('Name of the port.'),
  port: z.int().describe('Port in the machine, and at its address.'),
  protocol: z.enum(['tcp', 'udp']).describe(PROTOCOL_TEXT),
});
const labelsSchema = z.record(z.string(), z.string()).describe('Labels of the VM.');
export const vmStateSchema = z.enum(VM_STATE_NAMES).meta({ id: 'VmState', description: VM_STATE_TEXT });
export const endReasonSchema = z.enum(END_REASONS).meta({ id: 'EndReason', description: END_REASON_TEXT });

const addressSchema = z.object({
  ip: textSchema('Address that users connect to.'),
  reach: z.enum(REACHES).describe(
    choice('From where that address can be reached; a firewall on the way is another matter.', {
      host: 'only from the computer that runs the machine',
      network: 'from networks that have a way to it',
      internet: 'from everywhere',
    }),
  ),
  ports: z.array(portSchema).describe('Ports of the VM at that address.'),
});
const deadlineSchema = z.object({
  at: whenSchema('When it happens.'),
  kind: z.enum(DEADLINE_KINDS).describe(DEADLINE_TEXT),
  detail: z.string().optional().describe('Why it comes sooner than the spec says; absent where it does not.'),
});
const HEALTH_TEXT = choice('Whether the count of users is known.', {
  ok: 'it is, or nobody counts',
  unknown: 'the agent of the VM is silent',
});

export const vmSchema = z
  .object({
    name: textSchema('Name of the VM, unique among the live VMs of the project.'),
    project: textSchema('Project of the key that made it.'),
    uid: z.string().meta({ description: 'One life of the name.' }),
    createdBy: z.string().optional().meta({
      description: 'Id of the API key that made it; absent for VMs that an earlier version of Ephemera started.',
    }),
    machineId: z.string().optional().meta({ description: 'Absent until the workflow has made it up.' }),
    state: vmStateSchema,
    reason: endReasonSchema.optional(),
    detail: z.string().optional().meta({
      description:
        'One sentence more about the reason; while `creating`, `stopping`, `imaging`, `starting`, `suspending`, `resuming` or `destroying`, why the latest try failed.',
    }),
    health: z.enum(['ok', 'unknown']).describe(HEALTH_TEXT),
    provider: textSchema(PROVIDER_TEXT),
    zone: z.string().optional().describe('Zone of the machine, where the provider has zones.'),
    host: z.string().optional().describe('Host that runs the machine, where hosts of ours do.'),
    template: templateRefSchema.optional().describe('What the VM was made from; absent when its spec was given whole.'),
    address: addressSchema.optional().describe('Where its users connect; absent until the machine has one.'),
    connections: z.int().optional().meta({ description: 'Users connected. Absent while nobody ever counted.' }),
    countedBy: z
      .enum(['agent', 'others'])
      .optional()
      .describe(
        choice('Whose count that is.', {
          agent: 'of the agent in the machine',
          others: 'of people and programs outside, by `PUT /v1/vms/{name}/connections` or the signal `connections`',
        }),
      ),
    aliveBecause: z.enum(ALIVE_BECAUSE).nullable().describe(ALIVE_BECAUSE_TEXT),
    nextDeadline: deadlineSchema.optional().describe('What happens next by itself; absent when nothing does.'),
    newerVersion: z
      .int()
      .optional()
      .describe(
        'Version of its template that serves, where the VM makes room for that as soon as nobody uses it (`rollIdle`); absent where it stays.',
      ),
    startedFrom: z.enum(STARTED_FROM).optional().describe(STARTED_FROM_TEXT),
    keeps: z
      .array(z.enum(['disk', 'memory']))
      .optional()
      .describe(
        'What is kept of the machine while it does not run, and goes with the VM; absent while it runs. `disk`: while it is stopped; `memory` too: while it is suspended.',
      ),
    pendingImage: z
      .object({
        imageId: z.string().describe('Id that it will have with its provider.'),
        family: z.string().describe('Its family.'),
        name: z.string().optional().describe('The name that was asked for; absent where the family gives it one.'),
        closes: z.boolean().describe('Whether the VM ends once the image is kept.'),
      })
      .optional()
      .describe('The image that is being made of its disk, or will be once it is stopped; absent for none.'),
    stays: z
      .literal(true)
      .optional()
      .describe('There while nothing but a request ends the VM: it has no longest life.'),
    holdUntil: timeSchema.optional().describe('Until then a hold keeps the VM though it is empty.'),
    labels: labelsSchema,
    createdAt: whenSchema('When the VM was asked for.'),
    readyAt: timeSchema.optional().describe('When its present machine was ready; absent before.'),
    endedAt: timeSchema
      .optional()
      .describe('When its machine was seen gone, or was released by force; absent while the VM lives.'),
    updatedAt: whenSchema('When something last changed.'),
    workflowId: textSchema('Workflow of the VM in Temporal.'),
    runId: textSchema('Present run of that workflow; a long life has several.'),
    temporalUiUrl: z.string().optional().describe('The workflow in the Temporal Web UI, where its address is set.'),
    spec: vmSpecSchema,
    can: z.array(z.enum(VM_ACTIONS)).describe(VM_ACTION_TEXT),
  })
  .meta({ id: 'Vm', description: 'A VM: one life of a name, from its create to its confirmed end.' });

export const vmListSchema = z
  .object({
    vms: z.array(vmSchema).describe('VMs of the project, oldest first.'),
    nextPageToken: z.string().optional().meta({ description: 'Absent on the last page.' }),
  })
  .meta({ id: 'VmList' });

export const timelineEntrySchema = z
  .object({
    number: z.int().meta({ description: 'Counts up through one life; never reused.' }),
    at: whenSchema('When it happened.'),
    kind: z.enum(TIMELINE_ENTRY_KINDS).describe(TIMELINE_KIND_TEXT),
    state: vmStateSchema,
    reason: endReasonSchema.optional(),
    detail: z.string().optional().describe('One sentence more.'),
    connections: z.int().optional().describe('The new count, where `kind` is `connections`.'),
  })
  .meta({ id: 'TimelineEntry' });

export const timelineSchema = z
  .object({ events: z.array(timelineEntrySchema).describe('What happened, oldest first.') })
  .meta({ id: 'Timeline' });

/** A VM as the API answers it: the workflow's view and where to find the workflow. */
export type ApiVm = Omit<
  VmView,
  'address' | 'machineId' | 'confirmationId' | 'replaced' | 'startsAgain' | 'unnamed' | 'pinned' | 'claim' | 'resetAt'
> & {
  address?: MachineAddress & { reach: Reach };
  machineId?: string;
  workflowId: string;
  runId: string;
  temporalUiUrl?: string;
  can: VmAction[];
};
