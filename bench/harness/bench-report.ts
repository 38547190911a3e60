/** What a bench says at its end: a line for each bar, and a file with all raw data. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Connection } from '@temporalio/client';

const RESULTS = resolve(import.meta.dirname, '..', 'results');

/** One comparison. Numbers are medians unless `what` says otherwise. */
export interface BenchLine {
  /** What was measured, with its unit. */
  what: string;
  /** Null where there is nothing to compare with. */
  peer: number | null;
  ours: number;
  /** What ours costs more than the peer, where the bar speaks of that. */
  difference?: number;
  /** As people read it: `>= 55% of the peer`. Null for a line that only informs. */
  bar: string | null;
  met: boolean | null;
}

export interface BenchReport {
  name: string;
  lines: BenchLine[];
  /** The rounds as they were measured. */
  raw: unknown;
  /** Asked for the server's version; null in a bench without a server. */
  connection: Connection | null;
}

/** Prints the lines and writes `bench/results/<name>.json`. */
export async function report({ name, lines, raw, connection }: BenchReport): Promise<void> {
  const machine = {
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    temporalServer: connection === null ? null : (await connection.workflowService.getSystemInfo({})).serverVersion,
    /** Much more than the number of cores: the machine did other work too. */
    loadAverageAtEnd: loadavg().map((load) => Math.round(load * 10) / 10),
  };
  const rounded = lines.map((line) => ({
    ...line,
    peer: line.peer === null ? null : round(line.peer),
    ours: round(line.ours),
    ratio: line.peer === null ? null : round(line.ours / line.peer),
    ...(line.difference === undefined ? {} : { difference: round(line.difference) }),
  }));
  process.stdout.write(`\n${name}\n`);
  for (const line of rounded) {
    const peer = line.peer === null ? '' : `peer ${line.peer}  `;
    const ratio = line.ratio === null ? '' : `  ratio ${line.ratio}`;
    const difference = line.difference === undefined ? '' : `  difference ${line.difference}`;
    const bar = line.bar === null ? '' : `  bar ${line.bar}: ${line.met ? 'met' : 'MISSED'}`;
    process.stdout.write(`  ${line.what}: ${peer}ours ${line.ours}${ratio}${difference}${bar}\n`);
  }
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `${name}.json`);
  const at = new Date().toISOString();
  await writeFile(file, `${JSON.stringify({ bench: name, at, machine, lines: rounded, raw }, null, 1)}\n`);
}

/** Says on stderr how far a bench is. */
export function progress(text: string): void {
  process.stderr.write(`… ${text}\n`);
}

/** A positive whole number from the command line (`--name 5`), else the default. */
export function sizeOption(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} needs a whole number, 1 or more`);
  return value;
}

function round(value: number): number {
  return Number(value.toPrecision(5));
}
