import { isCancellation, log, proxyActivities } from '@temporalio/workflow';
import type { PoolActivities } from '../../domain/pool/activities.ts';
import type { PoolLife } from './life.ts';

const { planPoolSchedule } = proxyActivities<PoolActivities>({
  startToCloseTimeout: '10s',
  summary: 'Read the schedule of the pool',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Has a worker read what the schedule says from now on. Never rejects: what asks next asks again. */
export async function readSchedule(life: PoolLife): Promise<void> {
  const { template } = life.pool;
  if (template === null || template.warm === null) return;
  const { version, warm } = template;
  life.isPlanning = true;
  try {
    const plan = await planPoolSchedule({ warm, at: Date.now() });
    life.record({ kind: 'planned', version, warm, plan });
  } catch (error) {
    if (!isCancellation(error)) log.warn('the schedule of the pool could not be read', { error: String(error) });
  } finally {
    life.isPlanning = false;
  }
}
