/**
 * An order of a template as whoever is told keeps it, `at` being now, epoch ms. Orders are numbered by the time in which they were
 * given, and signals come from anyone with a CLI: one of a time that is yet to come would shut out every real one until then, so
 * it counts as one of now. So does a real one by a clock that is a moment ahead; the next one has a higher number all the same.
 */
export function numberedByNow<Order extends { revision?: number }>(order: Order, at: number): Order {
  return order.revision === undefined || order.revision <= at ? order : { ...order, revision: at };
}
