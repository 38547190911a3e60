import type { ReactNode } from 'react';

export interface Column<Row> {
  /** Also names the value where a row is shown as a card. */
  label: string;
  cell: (row: Row) => ReactNode;
}

interface RowsProps<Row> {
  /** For those who hear the page. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}

/** A table of a few hundred rows at most. The roles are written because cards would lose them. */
export function Rows<Row>({ caption, columns, rows, keyOf }: RowsProps<Row>) {
  return (
    <table className="rows" role="table" aria-label={caption}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ label }) => (
            <th key={label} role="columnheader" scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map(({ label, cell }) => (
              <td key={label} role="cell" data-label={label}>
                <div>{cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
