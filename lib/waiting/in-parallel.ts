import pLimit from 'p-limit';

/** Does `work` for every item, in their order, at most `limit` at a time. Rejects with the first failure; no other begins. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const limited = pLimit(limit);
  try {
    await limited.map(items, work);
  } catch (error) {
    limited.clearQueue();
    throw error;
  }
}
