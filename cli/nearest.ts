/** The known word that somebody who typed another one may have meant. */

const FAR = 3;

/** The nearest by edits, or undefined where none is near. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const limit = Math.min(FAR, Math.max(1, Math.floor(typed.length / 2)));
  const [best] = known
    .map((word) => ({ word, edits: editsBetween(typed, word) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits || (a.word < b.word ? -1 : 1));
  return best?.word;
}

/** Letters to insert, delete, replace or swap with their neighbours (optimal string alignment). */
export function editsBetween(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, at) => at)];
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row += 1) {
    const line = [row];
    rows.push(line);
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      let least = Math.min(
        cell(row - 1, column) + 1,
        cell(row, column - 1) + 1,
        cell(row - 1, column - 1) + (isSame ? 0 : 1),
      );
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (isSwapped) least = Math.min(least, cell(row - 2, column - 2) + 1);
      line.push(least);
    }
  }
  return cell(from.length, to.length);
}
