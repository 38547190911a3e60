import { metricMeter } from '@temporalio/workflow';
import { METRICS } from '../../domain/metrics.ts';
import { vmTransitionMetrics } from '../../domain/vm/metrics.ts';
import type { Vm } from '../../domain/vm/state.ts';

/** Records what a change of state tells. The meter is silent during a replay, so nothing counts twice. */
export function recordTransition(before: Vm, after: Vm): void {
  for (const { name, value, labels } of vmTransitionMetrics(before, after)) {
    const { kind, help } = METRICS[name];
    if (kind === 'counter') metricMeter.createCounter(name, undefined, help).add(value, labels);
    else metricMeter.createHistogram(name, 'float', 's', help).record(value, labels);
  }
}
