import { API_ERROR, type ApiErrorCode } from '../../domain/error-codes.ts';
import type { Sample, MetricRegistry } from '../../telemetry/metric-registry.ts';
import type { LiveCount } from '../projection/live-counts.ts';

/** What the metrics are read from. */
export interface ApiMetricSources {
  projection: { liveCounts: () => LiveCount[] };
  feed: { ageMs: number; loaded: boolean };
  watchers: { count: number };
}

/** A request that was answered, or whose caller hung up. */
export interface AnsweredRequest {
  method: string;
  /** The route's template; undefined where none was found. */
  route: string | undefined;
  status: number;
  durationMs: number;
  /** The caller asked to be answered later. */
  waited: boolean;
  code: ApiErrorCode | undefined;
}

/** More templates than this do not get a label of their own. */
export const MOST_TEMPLATES = 50;
const OVER_HTTP = { transport: 'http' };

/** What one API replica tells of itself. */
export class ApiMetrics {
  readonly #observeRequest;
  readonly #countProblem;
  readonly #countReport;
  readonly #countSignal;
  readonly #countSaved;
  readonly #observeForwardedAge;

  constructor(registry: MetricRegistry, { projection, feed, watchers }: ApiMetricSources) {
    this.#observeRequest = registry.histogram('ephemera_http_request_duration_seconds');
    this.#countProblem = registry.counter('ephemera_http_problems_total');
    this.#countReport = registry.counter('ephemera_agent_reports_total');
    this.#countSignal = registry.counter('ephemera_agent_signals_total');
    this.#countSaved = registry.counter('ephemera_agent_signals_saved_total');
    this.#observeForwardedAge = registry.histogram('ephemera_agent_forwarded_age_seconds');
    // A rate needs the 0 before the first one.
    for (const code of Object.keys(API_ERROR)) this.#countProblem({ code }, 0);
    for (const count of [this.#countReport, this.#countSignal, this.#countSaved]) count(OVER_HTTP, 0);
    registry.read('ephemera_vms', () => vmSamples(projection.liveCounts()));
    registry.read('ephemera_vms_silent', () => silentSamples(projection.liveCounts()));
    registry.read('ephemera_event_watchers', () => [{ labels: {}, value: watchers.count }]);
    registry.read('ephemera_projection_age_seconds', () =>
      feed.loaded ? [{ labels: {}, value: feed.ageMs / 1000 }] : [],
    );
  }

  answered({ method, route = 'other', status, durationMs, waited, code }: AnsweredRequest): void {
    const labels = { method, route, status: `${status}`, waited: waited ? 'yes' : 'no' };
    this.#observeRequest(labels, durationMs / 1000);
    if (code !== undefined) this.#countProblem({ code });
  }

  /** `forwardedAgeMs` of the report that the workflow got last; null when it got none. */
  reported(forwarded: boolean, forwardedAgeMs: number | null): void {
    this.#countReport(OVER_HTTP);
    (forwarded ? this.#countSignal : this.#countSaved)(OVER_HTTP);
    if (forwardedAgeMs !== null) this.#observeForwardedAge({}, forwardedAgeMs / 1000);
  }
}

/** One sample for each state, template and provider; the rarest templates are added up. */
export function vmSamples(counts: readonly LiveCount[]): Sample<'ephemera_vms'>[] {
  const templates = sumBy(counts, ({ template }) => template);
  const shown = new Set(
    [...templates]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_TEMPLATES)
      .map(([name]) => name),
  );
  const samples = new Map<string, Sample<'ephemera_vms'>>();
  for (const { state, template, provider, vms } of counts) {
    const labels = { state, template: shown.has(template) ? template : 'other', provider };
    const key = Object.values(labels).join(' ');
    samples.set(key, { labels, value: (samples.get(key)?.value ?? 0) + vms });
  }
  return [...samples.values()];
}

function silentSamples(counts: readonly LiveCount[]): Sample<'ephemera_vms_silent'>[] {
  const silent = new Map<string, number>();
  for (const count of counts) silent.set(count.provider, (silent.get(count.provider) ?? 0) + count.silent);
  return [...silent].map(([provider, value]) => ({ labels: { provider }, value }));
}

function sumBy(counts: readonly LiveCount[], nameOf: (count: LiveCount) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const count of counts) sums.set(nameOf(count), (sums.get(nameOf(count)) ?? 0) + count.vms);
  return sums;
}
