import { z } from 'zod';
import { ALIVE_BECAUSE, type DeadlineKind } from '../../domain/deadlines.ts';
import { END_REASONS, TIMELINE_ENTRY_KINDS, VM_STATE_NAMES } from '../../domain/vm-state.ts';
import type { VmView } from '../../domain/vm-view.ts';

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

const portSchema = z.object({ name: z.string(), port: z.int(), protocol: z.enum(['tcp', 'udp']) });
const templateRefSchema = z.object({ name: z.string(), version: z.int() });

export const vmSpecSchema = z
  .object({
    template: templateRefSchema.nullable(),
    provider: z.string(),
    image: z.string(),
    zones: z.array(z.string()),
    cpus: z.int(),
    memoryMb: z.int(),
    diskGb: z.int().nullable(),
    machineType: z.string().nullable(),
    network: z.string().nullable(),
    externalIp: z.boolean(),
    spot: z.boolean(),
    egress: z.boolean(),
    labels: z.record(z.string(), z.string()),
    env: z.record(z.string(), z.string()),
    sealed: z
      .object({ secretEnvNames: z.array(z.string()), startupScript: z.boolean() })
      .optional()
      .meta({
        description: 'Which secret variables there are and whether there is a startup script; never what is in them.',
      }),
    ports: z.array(portSchema),
    readiness: z.object({
      kind: z.enum(['agent', 'http', 'tcp', 'machine']),
      port: z.int().nullable(),
      path: z.string().nullable(),
      timeoutSeconds: z.int(),
    }),
    idle: z.object({
      timeoutSeconds: z.int(),
      firstConnectTimeoutSeconds: z.int(),
      silenceTimeoutSeconds: z.int(),
      action: z.literal('destroy'),
    }),
    softLifetimeSeconds: z.int().nullable(),
    maxLifetimeSeconds: z.int(),
    onLost: z.enum(['destroy', 'recreate']),
  })
  .meta({ id: 'VmSpec', description: 'The whole spec with every default filled in.' });

export const vmStateSchema = z.enum(VM_STATE_NAMES).meta({ id: 'VmState' });
export const endReasonSchema = z.enum(END_REASONS).meta({ id: 'EndReason' });

export const vmSchema = z
  .object({
    name: z.string(),
    project: z.string(),
    uid: z.string().meta({ description: 'One life of the name.' }),
    machineId: z.string().optional().meta({ description: 'Absent until the workflow has made it up.' }),
    state: vmStateSchema,
    reason: endReasonSchema.optional(),
    detail: z.string().optional().meta({
      description: 'One sentence more about the reason; while `creating` or `destroying`, why the latest try failed.',
    }),
    health: z.enum(['ok', 'unknown']),
    provider: z.string(),
    zone: z.string().optional(),
    host: z.string().optional(),
    template: templateRefSchema.optional(),
    address: z.object({ ip: z.string(), ports: z.array(portSchema) }).optional(),
    connections: z.int().optional().meta({ description: 'Absent while nobody ever counted.' }),
    aliveBecause: z.enum(ALIVE_BECAUSE).nullable(),
    nextDeadline: z.object({ at: timeSchema, kind: z.enum(DEADLINE_KINDS) }).optional(),
    holdUntil: timeSchema.optional(),
    labels: z.record(z.string(), z.string()),
    createdAt: timeSchema,
    readyAt: timeSchema.optional(),
    updatedAt: timeSchema,
    workflowId: z.string(),
    runId: z.string(),
    temporalUiUrl: z.string().optional(),
    spec: vmSpecSchema,
  })
  .meta({ id: 'Vm' });

export const vmListSchema = z
  .object({
    vms: z.array(vmSchema),
    nextPageToken: z.string().optional().meta({ description: 'Absent on the last page.' }),
  })
  .meta({ id: 'VmList' });

export const timelineEntrySchema = z
  .object({
    number: z.int().meta({ description: 'Counts up through one life; never reused.' }),
    at: timeSchema,
    kind: z.enum(TIMELINE_ENTRY_KINDS),
    state: vmStateSchema,
    reason: endReasonSchema.optional(),
    detail: z.string().optional(),
  })
  .meta({ id: 'TimelineEntry' });

export const timelineSchema = z.object({ events: z.array(timelineEntrySchema) }).meta({ id: 'Timeline' });

/** A VM as the API answers it: the workflow's view and where to find the workflow. */
export type ApiVm = Omit<VmView, 'machineId'> & {
  machineId?: string;
  workflowId: string;
  runId: string;
  temporalUiUrl?: string;
};
