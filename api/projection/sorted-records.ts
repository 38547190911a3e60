/** Where a VM stands in a list: by age, then name. */
export interface Position {
  createdAt: string;
  name: string;
}

export function comparePositions(a: Position, b: Position): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

/** Items kept in the order of their positions; at most one item each position. */
export class SortedRecords<Item extends { position: Position }> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  at(index: number): Item | undefined {
    return this.#items[index];
  }

  /** Index of the first item after a position. */
  firstAfter(position: Position): number {
    return this.#lowerBound(position, true);
  }

  put(item: Item): void {
    const index = this.#lowerBound(item.position, false);
    const known = this.#items[index];
    const replaces = known !== undefined && comparePositions(known.position, item.position) === 0;
    this.#items.splice(index, replaces ? 1 : 0, item);
  }

  remove(position: Position): void {
    const index = this.#lowerBound(position, false);
    const known = this.#items[index];
    if (known !== undefined && comparePositions(known.position, position) === 0) this.#items.splice(index, 1);
  }

  #lowerBound(position: Position, after: boolean): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.#items[middle];
      const order = item === undefined ? 1 : comparePositions(item.position, position);
      if (order < 0 || (after && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
