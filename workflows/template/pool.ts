import { condition, proxyActivities } from '@temporalio/workflow';
import type { TemplateActivities } from '../../domain/template/activities.ts';
import { poolWish } from '../../domain/template/pool-wish.ts';
import type { TemplateRecord } from './template-record.ts';

const { configurePool } = proxyActivities<TemplateActivities>({
  startToCloseTimeout: '10s',
  summary: 'Tell the pool of the template',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Configures the pool of the template at each change; what was on its way in an earlier run is sent again. */
export async function tellPool(record: TemplateRecord): Promise<void> {
  for (;;) {
    await condition(() => poolWish(record.template) !== undefined);
    const template = poolWish(record.template);
    if (template === undefined) continue;
    await configurePool({ project: record.template.project, template });
    record.record({ kind: 'poolTold', template });
  }
}
