/**
 * A host id that was on another computer, or in another state directory, before. What runs there may serve for as long as
 * its fence lets it, and nobody here can see it: it must not be called gone. So a host that comes with a key of its own
 * serves nothing under that id before the registry has called the earlier one lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { hostMemoSchema } from '../../config/registered-hosts.ts';
import { hostWorkflowId, MEMO } from '../../domain/wire-names.ts';
import { retryForever } from '../../lib/waiting/backoff.ts';

const LOOK_MS = 1000;

/** No more than is needed here: a memo of another version of Ephemera must not read as that of no host. */
const earlierSchema = hostMemoSchema.pick({ state: true, fingerprint: true, removed: true, lostAt: true });
type EarlierHost = z.infer<typeof earlierSchema>;

export interface MovedHostOptions {
  client: Client;
  hostId: string;
  controlTaskQueue: string;
  /** Of the key in this state directory, which each has to itself. */
  fingerprint: string;
  /** VMs of this host id that have a machine which is not here. */
  vmsElsewhere: () => Promise<number>;
  log: Pick<Logger, 'warn'>;
  /** Between two looks; a second by default. */
  lookMs?: number;
}

/** Resolves when no machine of this host id can serve anywhere else. Temporal is asked until it answers. */
export async function untilOthersAreOver(options: MovedHostOptions, signal: AbortSignal): Promise<void> {
  const { hostId, log, lookMs = LOOK_MS } = options;
  for (let looks = 0; ; looks += 1) {
    const mayServe = await retryForever(
      () => whoMayServe(options),
      signal,
      (error) => log.warn({ err: error }, 'Temporal does not say yet where this host id was before'),
    );
    if (mayServe === undefined) return;
    if (looks === 0) {
      const { vms, lostAt } = mayServe;
      log.warn(
        { hostId, vms, lostAt },
        'this host id was on another computer or in another state directory, whose machines may still serve: this host waits ' +
          'until they count as lost; to go on at once, start it there again, or give this one an id of its own (EPHEMERA_HOST_ID)',
      );
    }
    await sleep(lookMs, undefined, { signal });
  }
}

async function whoMayServe({
  client,
  hostId,
  controlTaskQueue,
  fingerprint,
  vmsElsewhere,
}: MovedHostOptions): Promise<{ vms: number; lostAt: string | null } | undefined> {
  const earlier = await earlierHost(client, hostWorkflowId(hostId, controlTaskQueue));
  const isOver = earlier === undefined || earlier.removed || earlier.state === 'lost';
  if (isOver || earlier.fingerprint === null || earlier.fingerprint === fingerprint) return undefined;
  const vms = await vmsElsewhere();
  return vms === 0 ? undefined : { vms, lostAt: earlier.lostAt };
}

async function earlierHost(client: Client, workflowId: string): Promise<EarlierHost | undefined> {
  try {
    const { memo, status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' ? earlierSchema.safeParse(memo?.[MEMO.host]).data : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
