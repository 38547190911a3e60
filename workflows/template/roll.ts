import { condition, proxyActivities } from '@temporalio/workflow';
import type { TemplateActivities } from '../../domain/template/activities.ts';
import { rollWish } from '../../domain/template/roll.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { runWhile } from '../run-while.ts';
import type { TemplateRecord } from './template-record.ts';

const { rollOverVms } = proxyActivities<TemplateActivities>({
  startToCloseTimeout: TIMEOUTS.rollOverAttemptSeconds * 1000,
  heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
  summary: 'Tell VMs of earlier versions',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/**
 * Has VMs of earlier versions make room, where the template says so. What was begun in an earlier run is done again; what is
 * another matter by then is left, and whoever may have heard of it hears of what follows.
 */
export async function rollVms(record: TemplateRecord): Promise<never> {
  for (;;) {
    await condition(() => rollWish(record.template) !== undefined);
    const order = rollWish(record.template);
    if (order === undefined) continue;
    record.record({ kind: 'rollBegun', order });
    const { project, name: template } = record.template;
    const { revision } = order;
    await runWhile(
      () => rollWish(record.template)?.revision === revision,
      async () => {
        await rollOverVms({ project, template, order });
        record.record({ kind: 'rollDone', revision });
      },
    );
  }
}
