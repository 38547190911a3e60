/** What a command found, as a table for people or in a form for programs. */
import { stringify } from 'yaml';
import { coloured, harmless } from './text.ts';
import { tableLines, type Column } from './table.ts';

export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

/** How things of one kind are shown. */
export interface Shown<Row> {
  columns: readonly Column<Row>[];
  nameOf: (row: Row) => string;
  /** Said to people instead of an empty table. */
  none: string;
}

/** Many of a kind: a table, an array, or a name a line. */
export function printList<Row>(rows: readonly Row[], shown: Shown<Row>, format: Format): void {
  if (format === 'json' || format === 'yaml') printData(rows, format);
  else if (format === 'name') print(rows.map(shown.nameOf).join('\n'));
  else if (rows.length === 0) process.stderr.write(`${shown.none}\n`);
  else print(listLines(rows, shown, format).join('\n'));
}

export function listLines<Row>(rows: readonly Row[], { columns }: Shown<Row>, format: Format): string[] {
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  return tableLines(columns, rows, { width, wide: format === 'wide', now: Date.now(), paint: coloured });
}

/** One of a kind, with all that is known of it. */
export function printOne(
  row: unknown,
  name: string,
  lines: () => readonly (readonly [string, string])[],
  format: Format,
): void {
  if (format === 'json' || format === 'yaml') printData(row, format);
  else if (format === 'name') print(name);
  else print(detailLines(lines()).join('\n'));
}

/** `Label:  value`, one a line, without those that have no value. */
export function detailLines(details: readonly (readonly [label: string, value: string])[]): string[] {
  const given = details.filter(([, value]) => value !== '');
  const width = Math.max(0, ...given.map(([label]) => label.length)) + 1;
  return given.map(([label, value]) => `${coloured(`${label}:`.padEnd(width), 'dim')}  ${harmless(value)}`);
}

export function printData(data: unknown, format: 'json' | 'yaml'): void {
  const text = format === 'json' ? JSON.stringify(data, null, 2) : stringify(data).trimEnd();
  // Both quote other control characters; a terminal obeys these too.
  print(text.replaceAll(/[\u007f-\u009f]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`));
}

export function print(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`);
}

/** Beside what was asked for: never on standard output. Why a stream ended is the word of the machine. */
export function note(text: string): void {
  process.stderr.write(`${text.split('\n').map(harmless).join('\n')}\n`);
}
