/** Tables that fit the terminal: whole where nobody measures, with the least important columns left out where it is narrow. */
import { harmless, widthOf, type Colour } from './text.ts';

export interface Column<Row> {
  title: string;
  value: (row: Row, now: number) => string;
  colour?: (row: Row) => Colour | undefined;
  /** May be cut with `…`. Default: it is whole or left out. */
  shrinks?: boolean;
  /** Left out first where there is no room: the higher, the sooner. 0: never. Default: 1. */
  leftOut?: number;
  /** Shown only by `-o wide`. */
  isWide?: boolean;
}

export interface TableOptions {
  /** Columns of the terminal; undefined: as wide as it gets. */
  width?: number | undefined;
  wide?: boolean | undefined;
  now: number;
  paint?: ((text: string, colour: Colour) => string) | undefined;
}

const GAP = 2;
/** A column that is cut keeps at least this. */
const SHRUNK_WIDTH = 10;

/** The lines of a table, its head first. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions,
): string[] {
  const { width, wide = false, now, paint = (text: string) => text } = options;
  const filled: Filled<Row>[] = columns
    .filter(({ isWide = false }) => wide || !isWide)
    .map((column) => {
      const cells = rows.map((row) => harmless(column.value(row, now)) || '-');
      return { column, cells, width: Math.max(widthOf(column.title), ...cells.map(widthOf)) };
    });
  const shown = width === undefined ? filled : fitted(filled, width);
  const line = (
    cellOf: (column: Filled<Row>) => string,
    colour?: (column: Column<Row>) => Colour | undefined,
  ): string =>
    shown
      .map((one, at) => {
        const text = cut(cellOf(one), one.width);
        const padded = at === shown.length - 1 ? text : text + ' '.repeat(one.width - widthOf(text));
        const painted = colour?.(one.column);
        return painted === undefined ? padded : paint(padded, painted);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const head = line(
    ({ column }) => column.title,
    () => 'dim',
  );
  return [
    head,
    ...rows.map((row, at) =>
      line(
        ({ cells }) => cells[at] ?? '',
        ({ colour }) => colour?.(row),
      ),
    ),
  ];
}

interface Filled<Row> {
  column: Column<Row>;
  cells: string[];
  width: number;
}

function fitted<Row>(filled: Filled<Row>[], width: number): Filled<Row>[] {
  const least = (all: Filled<Row>[]): number =>
    all.reduce((sum, one) => sum + (one.column.shrinks ? Math.min(one.width, SHRUNK_WIDTH) : one.width) + GAP, -GAP);
  let kept = filled;
  while (least(kept) > width) {
    const sooner = (one: Filled<Row>): number => one.column.leftOut ?? 1;
    const [goes] = kept.filter((one) => sooner(one) > 0).sort((a, b) => sooner(b) - sooner(a));
    if (goes === undefined) break;
    kept = kept.filter((one) => one !== goes);
  }
  let over = kept.reduce((sum, one) => sum + one.width + GAP, -GAP) - width;
  return kept.map((one) => {
    if (over <= 0 || !one.column.shrinks) return one;
    const less = Math.min(over, Math.max(0, one.width - SHRUNK_WIDTH));
    over -= less;
    return { ...one, width: one.width - less };
  });
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (widthOf(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
