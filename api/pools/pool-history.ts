import { isGrpcServiceError, QueryNotRegisteredError, ServiceError } from '@temporalio/client';
import { z } from 'zod';
import type { PoolSample } from '../../domain/pool/history.ts';
import { poolWorkflowId } from '../../domain/wire-names.ts';
import { poolHistoryQuery } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import type { ApiPoolHistory } from '../schemas/pool.ts';

const QUERY_SECONDS = 3;
const RETRY_AFTER_SECONDS = 5;

/** The time for it is over, or no worker has polled lately. */
const NOBODY_ANSWERED: readonly number[] = [4, 9];

const count = z.int().min(0);
/** Who writes to Temporal may have made the pool go on with anything. */
const samplesSchema = z.array(z.tuple([count.max(1e11), count, count, count, count, count, count]));

/**
 * The history of a pool as its workflow has it; undefined where there is no such pool.
 * @throws ApiProblem `poolSilent` where no worker answers, or the client's error where Temporal does not.
 */
export async function readPoolHistory(
  { client, settings }: Pick<ApiContext, 'client' | 'settings'>,
  project: string,
  template: string,
): Promise<ApiPoolHistory | undefined> {
  const handle = client.workflow.getHandle(poolWorkflowId(project, template, settings.temporal.controlTaskQueue));
  try {
    const asked = await client.withDeadline(Date.now() + QUERY_SECONDS * 1000, () => handle.query(poolHistoryQuery));
    return shown(template, samplesSchema.parse(asked));
  } catch (error) {
    if (isWorkflowGone(error)) return undefined;
    if (!isUnanswered(error)) throw error;
    throw new ApiProblem('poolSilent', `No worker answered for the pool of ${template}`, {
      headers: { 'retry-after': `${RETRY_AFTER_SECONDS}` },
      cause: error,
    });
  }
}

/** Nobody polls, or a worker of an earlier version of Ephemera has the workflow. */
function isUnanswered(error: unknown): boolean {
  if (error instanceof QueryNotRegisteredError || error instanceof z.ZodError) return true;
  const cause: unknown = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && NOBODY_ANSWERED.includes(cause.code);
}

function shown(template: string, samples: readonly PoolSample[]): ApiPoolHistory {
  const [first] = samples;
  return {
    template,
    ...(first === undefined ? {} : { since: isoTime(first[0]) }),
    samples: samples.map(([at, desired, ready, inFlight, claimed, missed, failed]) => ({
      at: isoTime(at),
      ...{ desired, ready, inFlight, claimed, missed, failed },
    })),
  };
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
