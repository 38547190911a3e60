import { ApplicationFailure, WorkflowUpdateFailedError } from '@temporalio/client';
import { INSTANCE_UNKNOWN_YET } from '../../domain/machine/proven-instance.ts';
import { exchangeUpdate } from '../../workflows/messages.ts';
import { ApiProblem, tokenRefused } from '../http/errors/problem.ts';
import { openRoute } from '../http/route.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';
import { provenAgent } from './proven-agent.ts';
import { exchangeBodySchema, exchangeReplySchema } from '../schemas/agent.ts';

const EXCHANGE_SECONDS = 10;
/** An agent that has just started becomes ready soon. */
const FIRST_REPORT_SECONDS = 1;

export const exchangeRoute = openRoute({
  method: 'post',
  path: '/v1/agent/exchange',
  operationId: 'exchangeAgentSecret',
  tag: 'Agents',
  summary: 'Exchange a bootstrap secret for a report token',
  description: 'Granted once; the same caller (same `nonce`) is granted it again, so that a lost reply does no harm.',
  access: 'public',
  // A machine's own report; not audited.
  mutates: false,
  limitsItself: true,
  body: exchangeBodySchema,
  replies: { 200: { description: 'A token that lets this machine report for itself.', schema: exchangeReplySchema } },
  errors: ['tokenRefused', 'rateLimited', 'temporalUnavailable', 'identityUnavailable'],
  handle: async ({ body, remoteAddress }, api) => {
    const proven = await provenAgent(api, { ...body, remoteAddress });
    if (proven === undefined) {
      api.requestLimits.takeRefusedAgent(remoteAddress, api.now());
      throw tokenRefused('The proof of the machine is not valid');
    }
    const { nonce, instanceId, ...subject } = proven;
    const { workflowId, machineId } = subject;
    api.requestLimits.takeExchange(machineId, api.now());
    const request = { machineId, nonce, ...(instanceId === undefined ? {} : { instanceId }) };
    try {
      await api.directory.within(
        () => api.directory.handle(workflowId).executeUpdate(exchangeUpdate, { args: [request] }),
        EXCHANGE_SECONDS,
      );
    } catch (error) {
      if (isTooEarly(error)) {
        const detail = 'Which instance the machine is will be known once it was made';
        throw new ApiProblem('identityUnavailable', detail, { headers: { 'retry-after': '1' }, cause: error });
      }
      if (isRefusal(error)) throw tokenRefused('The machine is not the current one of its VM, or its secret was used');
      throw error;
    }
    const token = api.agentTokens.issue('report', subject, api.now());
    return { status: 200, body: { token, nextReportSeconds: FIRST_REPORT_SECONDS } };
  },
});

function isTooEarly(error: unknown): boolean {
  if (!(error instanceof WorkflowUpdateFailedError)) return false;
  return error.cause instanceof ApplicationFailure && error.cause.type === INSTANCE_UNKNOWN_YET;
}

function isRefusal(error: unknown): boolean {
  if (isWorkflowGone(error)) return true;
  return error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure;
}
