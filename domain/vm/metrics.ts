import type { WorkflowMetricName } from '../metrics.ts';
import { hasEnded, isServing, type Vm } from './state.ts';

/** A value for a metric; histograms get seconds. */
export interface VmMetric {
  name: WorkflowMetricName;
  labels: Record<string, string>;
  value: number;
}

/** What a change of a VM's state tells metrics; nothing when the state is the same. */
export function vmTransitionMetrics(before: Vm, after: Vm): VmMetric[] {
  if (before.state.name === after.state.name) return [];
  const { provider } = after.spec;
  const inState = secondsBetween(before.state.since, after.state.since);
  const metrics: VmMetric[] = [
    { name: 'ephemera_vm_state_duration_seconds', labels: { state: before.state.name, provider }, value: inState },
  ];
  // A VM that starts again or gets another machine was ready before.
  if (isServing(after.state) && !isServing(before.state) && wasNeverReady(before)) {
    const value = secondsBetween(after.createdAt, after.state.readyAt);
    metrics.push({ name: 'ephemera_vm_create_to_ready_seconds', labels: { provider }, value });
  }
  if (isLoss(before, after)) {
    metrics.push({ name: 'ephemera_machines_lost_total', labels: { provider }, value: 1 });
  }
  if (hasEnded(after.state)) {
    const { reason } = after.state;
    metrics.push({ name: 'ephemera_vms_ended_total', labels: { reason, provider }, value: 1 });
  }
  return metrics;
}

/** A machine whose host is lost is not destroyed first. */
function isLoss(before: Vm, after: Vm): boolean {
  if (before.state.name === 'destroying') return false;
  if (after.replacements > before.replacements) return true;
  return 'reason' in after.state && after.state.reason === 'lost';
}

function wasNeverReady({ replacements, timeline }: Vm): boolean {
  return replacements === 0 && !timeline.some(({ state }) => state === 'running' || state === 'draining');
}

function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
