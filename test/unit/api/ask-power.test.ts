import { ServiceError } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { ApiContext } from '../../../api/api-context.ts';
import { askWorkflow } from '../../../api/vms/power/ask-power.ts';
import type { VmRecord } from '../../../api/vms/seen/vm-record.ts';

const record = { workflowId: 'vm/default/lobby', view: { name: 'lobby', project: 'default', uid: 'u' } } as VmRecord;
const api = {
  directory: { within: (call: () => Promise<unknown>) => call(), sameLife: () => Promise.resolve(record) },
} as unknown as ApiContext;

/** Asks a workflow whose answer is the error, and counts what is left with it as a signal. */
async function ask(code: number): Promise<{ answer: number | string; left: number }> {
  let left = 0;
  const cause = Object.assign(new Error('of the server'), { code, details: '', metadata: {} });
  const asked = askWorkflow(api, record, 'stop', {
    ask: () => Promise.reject(new ServiceError('Workflow Update failed', { cause })),
    leave: () => {
      left += 1;
      return Promise.resolve();
    },
  });
  const answer = await asked.then(
    ({ status }) => status,
    (error: unknown) => (error as Error).message,
  );
  return { answer, left };
}

describe('a stop that its workflow does not answer', () => {
  it.each([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.FAILED_PRECONDITION])(
    'because of gRPC code %i is left with it as a signal',
    async (code) => {
      expect(await ask(code)).toEqual({ answer: 202, left: 1 });
    },
  );

  it('because the request is wrong is no signal', async () => {
    expect(await ask(status.INVALID_ARGUMENT)).toEqual({ answer: 'Workflow Update failed', left: 0 });
  });
});
