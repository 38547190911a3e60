import { getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import { firstWarmToTell } from '../../domain/pool/next.ts';
import { templateWorkflowId } from '../../domain/wire-names.ts';
import { firstWarmSignal } from '../messages.ts';
import { tellsFirstWarm } from '../patches.ts';
import type { PoolLife } from './life.ts';

/** Tells the template once that machines of its version can be had. Where it is gone, nobody wants to know. */
export async function tellFirstWarm(life: PoolLife): Promise<void> {
  const version = firstWarmToTell(life.pool);
  if (version === null || !tellsFirstWarm()) return;
  const { project, name } = life.pool;
  const workflowId = templateWorkflowId(project, name, workflowInfo().taskQueue);
  life.record({ kind: 'firstWarmTold', version });
  try {
    await getExternalWorkflowHandle(workflowId).signal(firstWarmSignal, { version });
  } catch (error) {
    log.info('the template of the pool is gone', { workflowId, error: String(error) });
  }
}
