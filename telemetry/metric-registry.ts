import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics, type Metric } from 'prom-client';
import {
  METRICS,
  type MetricDefinition,
  type MetricLabels,
  type MetricName,
  type MetricOfKind,
} from '../domain/metrics.ts';

/** A value that is read when somebody looks. */
export interface Sample<Name extends MetricName> {
  labels: MetricLabels<Name>;
  value: number;
}

/** The metrics of one process: those of domain/metrics.ts by name, and what others bring along. */
export class MetricRegistry {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();
  readonly #beforeLook: (() => void)[] = [];

  counter<Name extends MetricOfKind<'counter'>>(name: Name): (labels: MetricLabels<Name>, by?: number) => void {
    const record = this.recorder(name);
    return (labels, by = 1) => record(labels, by);
  }

  histogram<Name extends MetricOfKind<'histogram'>>(name: Name): (labels: MetricLabels<Name>, seconds: number) => void {
    return this.recorder(name);
  }

  /** Takes values of a counter or histogram whose labels are only known to be its own. */
  recorder(name: MetricOfKind<'counter' | 'histogram'>): (labels: Record<string, string>, value: number) => void {
    const definition: MetricDefinition = METRICS[name];
    const options = this.#options(name);
    if (definition.kind === 'histogram') {
      const histogram = new Histogram({ ...options, buckets: [...definition.bucketsSeconds] });
      return (labels, value) => histogram.observe(labels, value);
    }
    const counter = new Counter(options);
    return (labels, value) => counter.inc(labels, value);
  }

  /** A gauge, or a counter that somebody else counts: its values are read at each look. */
  read<Name extends MetricOfKind<'gauge' | 'counter'>>(
    name: Name,
    samples: () => Iterable<Sample<NoInfer<Name>>>,
  ): void {
    const options = this.#options(name);
    if (METRICS[name].kind === 'counter') {
      const counter = new Counter({
        ...options,
        collect: () => {
          counter.reset();
          for (const { labels, value } of samples()) counter.inc(labels, value);
        },
      });
      return;
    }
    const gauge = new Gauge({
      ...options,
      collect: () => {
        gauge.reset();
        for (const { labels, value } of samples()) gauge.set(labels, value);
      },
    });
  }

  /** Adds what Node.js tells of this process: memory, cpu, event loop. Once a process. */
  addProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Adds a metric that is not of domain/metrics.ts. */
  add(metric: Metric): void {
    this.#registry.registerMetric(metric);
  }

  /** Called each time before the metrics are written. */
  beforeEachLook(work: () => void): void {
    this.#beforeLook.push(work);
  }

  /** Everything in Prometheus' text format. */
  text(): Promise<string> {
    for (const work of this.#beforeLook) work();
    return this.#registry.metrics();
  }

  #options(name: MetricName): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
    const { help, labels }: MetricDefinition = METRICS[name];
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}
