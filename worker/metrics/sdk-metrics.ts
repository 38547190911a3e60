/**
 * The metrics of Temporal's SDK, and those that workflows record through it, in the one registry of this process. The
 * SDK keeps its updates in a buffer, which is emptied twice a second and at each look.
 */
import { MetricsBuffer, type BufferedMetricUpdate } from '@temporalio/worker';
import type { MetricTags } from '@temporalio/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { REMOVAL_CAUSES } from '../../domain/image/state.ts';
import { METRICS, WORKFLOW_METRICS, type MetricDefinition, type WorkflowMetricName } from '../../domain/metrics.ts';
import { END_REASONS } from '../../domain/vm/state.ts';
import type { MetricRegistry } from '../../telemetry/metric-registry.ts';

const EMPTY_EVERY_MS = 500;
/** One VM's life is about 150 updates; what does not fit is dropped, and the SDK says so in the log. */
const BUFFERED_UPDATES = 200_000;
const SDK_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400];

/** Labels of the SDK's own metrics that are kept; each has few values. */
const SDK_LABELS: string[] = [
  ...['namespace', 'task_queue', 'operation', 'workflow_type', 'activity_type', 'worker_type', 'poller_type'],
  ...['status_code', 'failure_reason'],
];

type Labels = Record<string, string>;
type SdkMetric = BufferedMetricUpdate['metric'];
interface Recorder {
  labelNames: readonly string[];
  record: (labels: Labels, value: number) => void;
}

/** Made before the SDK's runtime, which takes its `buffer`. */
export class SdkMetrics {
  readonly buffer = new MetricsBuffer({ maxBufferSize: BUFFERED_UPDATES, useSecondsForDurations: true });
  readonly #registry: MetricRegistry;
  readonly #recorders = new Map<string, Recorder>();

  constructor(registry: MetricRegistry, providers: readonly string[]) {
    this.#registry = registry;
    for (const name of WORKFLOW_METRICS) this.#recorders.set(name, workflowRecorder(registry, name));
    // A rate needs the 0 before the first one.
    for (const provider of providers) {
      this.#recorders.get('ephemera_machines_lost_total')?.record({ provider }, 0);
      for (const reason of END_REASONS)
        this.#recorders.get('ephemera_vms_ended_total')?.record({ reason, provider }, 0);
      for (const reason of REMOVAL_CAUSES)
        this.#recorders.get('ephemera_images_deleted_total')?.record({ reason, provider }, 0);
    }
    registry.beforeEachLook(() => this.#empty());
    setInterval(() => this.#empty(), EMPTY_EVERY_MS).unref();
  }

  #empty(): void {
    for (const { metric, value, attributes } of this.buffer.retrieveUpdates()) {
      const { labelNames, record } = this.#recorderOf(metric);
      record(picked(attributes, labelNames), value);
    }
  }

  #recorderOf(metric: SdkMetric): Recorder {
    const known = this.#recorders.get(metric.name);
    if (known !== undefined) return known;
    const recorder = sdkRecorder(this.#registry, metric);
    this.#recorders.set(metric.name, recorder);
    return recorder;
  }
}

function workflowRecorder(registry: MetricRegistry, name: WorkflowMetricName): Recorder {
  const { labels: labelNames }: MetricDefinition = METRICS[name];
  return { labelNames, record: registry.recorder(name) };
}

/** Names as Prometheus wants them: counters end in `_total`, durations in `_seconds`. */
function sdkRecorder(registry: MetricRegistry, { name, kind, unit, description }: SdkMetric): Recorder {
  const help = description === undefined || description === '' ? 'Of the Temporal SDK.' : description;
  const options = { help, labelNames: SDK_LABELS, registers: [] };
  const seconds = unit === 's' ? '_seconds' : '';
  switch (kind) {
    case 'counter': {
      const counter = new Counter({ ...options, name: `${name}_total` });
      registry.add(counter);
      return { labelNames: SDK_LABELS, record: (labels, value) => counter.inc(labels, value) };
    }
    case 'histogram': {
      const histogram = new Histogram({ ...options, name: name + seconds, buckets: SDK_SECONDS });
      registry.add(histogram);
      return { labelNames: SDK_LABELS, record: (labels, value) => histogram.observe(labels, value) };
    }
    case 'gauge':
    case 'up-down-counter': {
      const gauge = new Gauge({ ...options, name: name + seconds });
      registry.add(gauge);
      const record = (labels: Labels, value: number): void =>
        kind === 'gauge' ? gauge.set(labels, value) : gauge.inc(labels, value);
      return { labelNames: SDK_LABELS, record };
    }
  }
}

function picked(attributes: MetricTags, names: readonly string[]): Labels {
  const found = names.flatMap((name) => {
    const value = attributes[name];
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return Object.fromEntries(found);
}
