import { numberedByNow } from '../domain/template/numbered.ts';
import { boundsOrderNumbers } from './patches.ts';

/** An order of a template as it was heard now. Only what is out of the ordinary is marked in the history. */
export function heardOrder<Order extends { revision?: number }>(order: Order): Order {
  const heard = numberedByNow(order, Date.now());
  return heard === order || !boundsOrderNumbers() ? order : heard;
}
