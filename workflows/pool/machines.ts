/** What a pool does with the workflows of its machines. */
import { getExternalWorkflowHandle, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { Grant } from '../../domain/pool/claims.ts';
import type { HostPlace } from '../../domain/pool/state.ts';
import { warmSpecOf } from '../../domain/pool/warm-spec.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { MEMO, WORKFLOW_TYPE, warmWorkflowId } from '../../domain/wire-names.ts';
import { newMachineId } from '../machine/machine-id.ts';
import { grantedSignal, retireSignal, type WarmInput } from '../messages.ts';
import { SEARCH_KEY } from '../search-attributes.ts';
import type { PoolLife } from './life.ts';

/** Its workflow goes on when this run of the pool does not. `place`: the host that is asked for it first, null for none. */
export async function startWarm(life: PoolLife, pool: string, place: HostPlace | null): Promise<void> {
  const { project, name, template } = life.pool;
  const warm = template?.warm ?? null;
  if (template === null || warm === null) return;
  const machineId = newMachineId();
  const { version, signature, placement } = template;
  const spec = warmSpecOf(template.spec);
  const input: WarmInput = {
    ...{ project, template: name, version, pool, spec, signature, ttlSeconds: warm.ttlSeconds },
    ...(placement === undefined ? {} : { placement }),
    ...(place === null ? {} : { prefers: place.host }),
  };
  life.record({ kind: 'started', machineId, version, ...(place === null ? {} : { place }) });
  try {
    await startChild(WORKFLOW_TYPE.warm, {
      workflowId: warmWorkflowId(machineId),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      memo: { [MEMO.spec]: spec },
      typedSearchAttributes: [
        { key: SEARCH_KEY.project, value: project },
        { key: SEARCH_KEY.template, value: name },
        { key: SEARCH_KEY.provider, value: spec.provider },
      ],
      staticSummary: `A warm machine of ${name}, version ${version}, for project ${project}`,
    });
  } catch {
    life.record({ kind: 'over', machineId, failed: 'its workflow could not be started' });
  }
}

/** A machine that closed meanwhile is found out by the VM that asks for it. */
export async function tellGrants(grants: readonly Grant[]): Promise<void> {
  await Promise.all(
    grants.map(async ({ machineId, request }) => {
      const granted = { request, seconds: TIMEOUTS.grantSeconds };
      await handleOf(machineId)
        .signal(grantedSignal, granted)
        .catch(() => undefined);
    }),
  );
}

/** One whose workflow has closed is forgotten: where that was terminated, nobody has said that it is over. */
export async function retireWarm(life: PoolLife, machineId: string): Promise<void> {
  life.record({ kind: 'retired', machineId });
  try {
    await handleOf(machineId).signal(retireSignal);
  } catch {
    life.record({ kind: 'over', machineId, failed: null });
  }
}

function handleOf(machineId: string): ReturnType<typeof getExternalWorkflowHandle> {
  return getExternalWorkflowHandle(warmWorkflowId(machineId));
}
