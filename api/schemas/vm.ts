import { z } from 'zod';
import { ALIVE_BECAUSE, type DeadlineKind } from '../../domain/deadlines.ts';
import { END_REASONS, TIMELINE_ENTRY_KINDS, VM_STATE_NAMES } from '../../domain/vm-state.ts';
import type { VmView } from '../../domain/vm-view.ts';
import {
  ALIVE_BECAUSE_TEXT,
  choice,
  DEADLINE_TEXT,
  END_REASON_TEXT,
  IDLE_TEXT,
  ON_LOST_TEXT,
  PROTOCOL_TEXT,
  READINESS_KIND_TEXT,
  SPEC_TEXT,
  TIMELINE_KIND_TEXT,
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
  'letGo',
  'maxLifetime',
] as const satisfies readonly DeadlineKind[];

const textSchema = (description: string) => z.string().describe(description);
const whenSchema = (description: string) => timeSchema.describe(description);

const portSchema = z.object({
  name: textSchema('Name of the port.'),
  port: z.int().describe('Port in the machine, and at its address.'),
  protocol: z.enum(['tcp', 'udp']).describe(PROTOCOL_TEXT),
});
const templateRefSchema = z.object({
  name: textSchema('Name of the template.'),
  version: z.int().describe('Its version when the VM was made.'),
});
const labelsSchema = z.record(z.string(), z.string()).describe('Labels of the VM.');
const readinessSchema = z.object({
  kind: z.enum(['agent', 'http', 'tcp', 'machine']).describe(READINESS_KIND_TEXT),
  port: z.int().nullable().describe(`${SPEC_TEXT.readinessPort} Else null.`),
  path: z.string().nullable().describe(`${SPEC_TEXT.readinessPath} Else null.`),
  timeoutSeconds: z.int().describe(SPEC_TEXT.readinessTimeoutSeconds),
});
const idleSchema = z.object({
  timeoutSeconds: z.int().describe(IDLE_TEXT.timeoutSeconds),
  firstConnectTimeoutSeconds: z.int().describe(IDLE_TEXT.firstConnectTimeoutSeconds),
  silenceTimeoutSeconds: z.int().describe(IDLE_TEXT.silenceTimeoutSeconds),
  action: z.literal('destroy').describe(IDLE_TEXT.action),
});
const sealedSchema = z.object({
  secretEnvNames: z.array(z.string()).describe('Names of the variables of `secretEnv`.'),
  startupScript: z.boolean().describe('Whether there is a startup script.'),
});

export const vmSpecSchema = z
  .object({
    template: templateRefSchema.nullable().describe('What the spec was taken from; null when it was given whole.'),
    provider: textSchema(SPEC_TEXT.provider),
    image: textSchema(SPEC_TEXT.image),
    zones: z.array(z.string()).describe(`${SPEC_TEXT.zones} Empty: those of the deployment, where there are any.`),
    cpus: z.int().describe(SPEC_TEXT.cpus),
    memoryMb: z.int().describe(SPEC_TEXT.memoryMb),
    diskGb: z.int().nullable().describe(`${SPEC_TEXT.diskGb} Null: as big as the image.`),
    machineType: z.string().nullable().describe(`${SPEC_TEXT.machineType} Null: chosen by them.`),
    network: z.string().nullable().describe(`${SPEC_TEXT.network} Null: the default of the deployment.`),
    externalIp: z.boolean().describe(SPEC_TEXT.externalIp),
    spot: z.boolean().describe(SPEC_TEXT.spot),
    egress: z.boolean().describe(SPEC_TEXT.egress),
    labels: labelsSchema,
    env: z.record(z.string(), z.string()).describe(SPEC_TEXT.env),
    sealed: sealedSchema
      .optional()
      .describe('Which secret variables there are and whether there is a startup script; never what is in them.'),
    ports: z.array(portSchema).describe('Ports that the app listens on.'),
    readiness: readinessSchema.describe('When the VM counts as ready.'),
    idle: idleSchema.describe('When nobody uses the VM any more.'),
    softLifetimeSeconds: z.int().nullable().describe(`${SPEC_TEXT.softLifetimeSeconds} Null: never.`),
    maxLifetimeSeconds: z.int().describe(SPEC_TEXT.maxLifetimeSeconds),
    onLost: z.enum(['destroy', 'recreate']).describe(ON_LOST_TEXT),
  })
  .meta({ id: 'VmSpec', description: 'The whole spec with every default filled in.' });

export const vmStateSchema = z.enum(VM_STATE_NAMES).meta({ id: 'VmState', description: VM_STATE_TEXT });
export const endReasonSchema = z.enum(END_REASONS).meta({ id: 'EndReason', description: END_REASON_TEXT });

const addressSchema = z.object({
  ip: textSchema('Address that users connect to.'),
  ports: z.array(portSchema).describe('Ports of the VM at that address.'),
});
const deadlineSchema = z.object({
  at: whenSchema('When it happens.'),
  kind: z.enum(DEADLINE_KINDS).describe(DEADLINE_TEXT),
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
    machineId: z.string().optional().meta({ description: 'Absent until the workflow has made it up.' }),
    state: vmStateSchema,
    reason: endReasonSchema.optional(),
    detail: z.string().optional().meta({
      description: 'One sentence more about the reason; while `creating` or `destroying`, why the latest try failed.',
    }),
    health: z.enum(['ok', 'unknown']).describe(HEALTH_TEXT),
    provider: textSchema(SPEC_TEXT.provider),
    zone: z.string().optional().describe('Zone of the machine, where the provider has zones.'),
    host: z.string().optional().describe('Host that runs the machine, where hosts of ours do.'),
    template: templateRefSchema.optional().describe('What the VM was made from; absent when its spec was given whole.'),
    address: addressSchema.optional().describe('Where its users connect; absent until the machine has one.'),
    connections: z.int().optional().meta({ description: 'Users connected. Absent while nobody ever counted.' }),
    aliveBecause: z.enum(ALIVE_BECAUSE).nullable().describe(ALIVE_BECAUSE_TEXT),
    nextDeadline: deadlineSchema.optional().describe('What happens next by itself; absent when nothing does.'),
    holdUntil: timeSchema.optional().describe('Until then a hold keeps the VM though it is empty.'),
    labels: labelsSchema,
    createdAt: whenSchema('When the VM was asked for.'),
    readyAt: timeSchema.optional().describe('When its present machine was ready; absent before.'),
    endedAt: timeSchema
      .optional()
      .describe('When its machine was seen gone, or was let go by force; absent while the VM lives.'),
    updatedAt: whenSchema('When something last changed.'),
    workflowId: textSchema('Workflow of the VM in Temporal.'),
    runId: textSchema('Present run of that workflow; a long life has several.'),
    temporalUiUrl: z.string().optional().describe('The workflow in the Temporal Web UI, where its address is set.'),
    spec: vmSpecSchema,
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
  })
  .meta({ id: 'TimelineEntry' });

export const timelineSchema = z
  .object({ events: z.array(timelineEntrySchema).describe('What happened, oldest first.') })
  .meta({ id: 'Timeline' });

/** A VM as the API answers it: the workflow's view and where to find the workflow. */
export type ApiVm = Omit<VmView, 'machineId' | 'confirmationId' | 'replaced'> & {
  machineId?: string;
  workflowId: string;
  runId: string;
  temporalUiUrl?: string;
};
