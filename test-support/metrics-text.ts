/** A strict reader of Prometheus' text format 0.0.4: whatever a scraper could stumble over is an error here. */
export interface Series {
  /** With the suffix of its kind: `x_bucket`, `x_total`. */
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  name: string;
  kind: string;
  help: string;
  series: Series[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/;
const KINDS = ['counter', 'gauge', 'histogram', 'summary'];

/** @throws Error with the line that is not right. */
export function readMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  let current: Family | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (what === 'HELP') {
      if (families.has(name) || !NAME.test(name)) throw new Error(`twice, or no name: ${line}`);
      current = { name, kind: '', help: rest, series: [] };
      families.set(name, current);
    } else if (what === 'TYPE') {
      if (current?.name !== name || current.kind !== '' || !KINDS.includes(rest)) throw new Error(`wrong: ${line}`);
      current.kind = rest;
    } else {
      if (current === undefined) throw new Error(`of no family: ${line}`);
      current.series.push(readSample(line, current));
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

function readSample(line: string, { name: family, kind }: Family): Series {
  const [, name, labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
  const suffixes =
    kind === 'histogram' ? ['_bucket', '_sum', '_count'] : kind === 'summary' ? ['', '_sum', '_count'] : [''];
  if (name === undefined || !suffixes.some((suffix) => name === family + suffix)) {
    throw new Error(`not of ${family}: ${line}`);
  }
  const labels: Record<string, string> = {};
  for (let rest = labelText; rest !== '';) {
    const [whole, label, value] = LABEL.exec(rest) ?? [];
    if (whole === undefined || label === undefined || value === undefined || label in labels) {
      throw new Error(`wrong labels: ${line}`);
    }
    labels[label] = value;
    rest = rest.slice(whole.length);
  }
  const value = valueText === '+Inf' ? Infinity : /^nan$/i.test(valueText) ? NaN : Number(valueText);
  if (valueText === '' || (Number.isNaN(value) && !/^nan$/i.test(valueText))) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

function check({ name, kind, help, series }: Family): void {
  if (kind === '') throw new Error(`${name} has no type`);
  if (help.trim() === '') throw new Error(`${name} has no help`);
  const keys = series.map(keyOf);
  if (new Set(keys).size !== keys.length) throw new Error(`${name} has a series twice`);
  if (kind === 'histogram') checkHistogram(name, series);
  if (kind === 'counter' && series.some(({ value }) => !(value >= 0))) throw new Error(`${name} counts below 0`);
}

function checkHistogram(name: string, series: readonly Series[]): void {
  const of = (suffix: string) => series.filter((one) => one.name === name + suffix);
  const byLabels = new Map<string, Series[]>();
  for (const bucket of of('_bucket')) {
    const key = keyOf({ ...bucket, name, labels: without(bucket.labels, 'le') });
    byLabels.set(key, [...(byLabels.get(key) ?? []), bucket]);
  }
  for (const count of of('_count')) {
    const key = keyOf({ ...count, name });
    const buckets = byLabels.get(key) ?? [];
    const bounds = buckets.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
    const isAscending = (numbers: number[]): boolean =>
      numbers.every((number, index) => number >= (numbers[index - 1] ?? 0));
    if (bounds.at(-1) !== Infinity || !isAscending(bounds) || !isAscending(buckets.map(({ value }) => value))) {
      throw new Error(`${name}: buckets are not cumulative up to +Inf: ${key}`);
    }
    if (buckets.at(-1)?.value !== count.value) throw new Error(`${name}: count is not its last bucket: ${key}`);
    if (!of('_sum').some((sum) => keyOf({ ...sum, name }) === key)) throw new Error(`${name} has no sum: ${key}`);
  }
  if (byLabels.size !== of('_count').length) throw new Error(`${name}: buckets without a count`);
}

function keyOf({ name, labels }: Series): string {
  return JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function without(labels: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([label]) => label !== name));
}

/** Names and label names that a PromQL expression reads. */
export function metricsOf(expression: string): { name: string; labels: string[] }[] {
  const found: { name: string; labels: string[] }[] = [];
  const text = expression
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, '')
    .replaceAll(/([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}/g, (_, name: string | undefined, matchers: string) => {
      const labels = [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"/g)].map(([, label = '']) => label);
      found.push({ name: name ?? '', labels });
      return ' ';
    });
  for (const [, name = '', call] of text.matchAll(/([a-zA-Z_:][\w:]*)\s*(\()?/g)) {
    if (call === undefined && !OPERATORS.includes(name)) found.push({ name, labels: [] });
  }
  return found;
}

const OPERATORS = ['and', 'or', 'unless', 'bool', 'offset', 'group_left', 'group_right'];
