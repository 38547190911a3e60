export interface DiffLine {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

/** The lines of both texts, those of their longest common sequence once; for texts of some hundred lines. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const [from, to] = [linesOf(before), linesOf(after)];
  const common = commonLengths(from, to);
  const found: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const [old, fresh] = [from[i], to[j]];
    if (old !== undefined && old === fresh) {
      found.push({ kind: 'same', text: old });
      [i, j] = [i + 1, j + 1];
    } else if (old !== undefined && (fresh === undefined || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      found.push({ kind: 'removed', text: old });
      i += 1;
    } else {
      found.push({ kind: 'added', text: fresh ?? '' });
      j += 1;
    }
  }
  return found;
}

/** At [i][j]: how many lines from[i…] and to[j…] have in common, in their order. */
function commonLengths(from: readonly string[], to: readonly string[]): number[][] {
  const lengths = Array.from({ length: from.length + 1 }, () => new Array<number>(to.length + 1).fill(0));
  for (let i = from.length - 1; i >= 0; i -= 1) {
    const [row, below] = [lengths[i] ?? [], lengths[i + 1] ?? []];
    for (let j = to.length - 1; j >= 0; j -= 1) {
      row[j] = from[i] === to[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
