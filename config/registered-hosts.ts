/** The hosts of a deployment as the registry publishes them, in the memos of their workflows. */
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { HOST_STATE_NAMES } from '../domain/host/state.ts';
import { hostWorkflowId, MEMO, WORKFLOW_TYPE } from '../domain/wire-names.ts';
import { runningWorkflows } from './temporal/running-workflows.ts';

const sizeSchema = z.object({ cpus: z.number(), memoryMb: z.number(), diskGb: z.number() });

/** The memo may be of another version of Ephemera, so it is checked before it counts. */
export const hostMemoSchema = z.object({
  hostId: z.string(),
  state: z.enum(HOST_STATE_NAMES),
  since: z.string(),
  lostAt: z.string().nullable(),
  version: z.string(),
  providers: z.array(z.string()),
  roomless: z.array(z.string()).optional(),
  addresses: z.array(z.string()).optional(),
  capacity: sizeSchema,
  zone: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  address: z.string().nullable(),
  fingerprint: z.string().nullable(),
  lastStatus: z.object({ free: sizeSchema, machines: z.number(), images: z.unknown().optional() }).nullable(),
  removed: z.boolean(),
});

export type RegisteredHost = z.infer<typeof hostMemoSchema>;

/** Undefined where the memo is of no host of the registry. */
export function hostOfMemo(memo: Record<string, unknown> | undefined): RegisteredHost | undefined {
  const host = hostMemoSchema.safeParse(memo?.[MEMO.host]).data;
  return host?.removed === true ? undefined : host;
}

/** Of one deployment, whatever their state, by id; about a second old. Rejects where Temporal does not answer. */
export async function registeredHosts(client: Client, controlTaskQueue: string): Promise<RegisteredHost[]> {
  const query = runningWorkflows(WORKFLOW_TYPE.host, controlTaskQueue);
  const hosts: RegisteredHost[] = [];
  for await (const { memo, workflowId } of client.workflow.list({ query })) {
    const host = hostOfMemo(memo);
    // A memo is a claim of its workflow, whose id says which host it is of.
    if (host !== undefined && workflowId === hostWorkflowId(host.hostId, controlTaskQueue)) hosts.push(host);
  }
  return hosts.sort((a, b) => (a.hostId < b.hostId ? -1 : 1));
}
