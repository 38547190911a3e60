import { condition } from '@temporalio/workflow';

/** Shows every change of a record to whoever reads its memo: once per workflow task, however much happened. */
export async function publishEachChange<Record extends { readonly published: boolean }>(
  record: Record,
  publish: (record: Record) => void,
): Promise<never> {
  for (;;) {
    await condition(() => !record.published);
    publish(record);
  }
}
