import { uuid4 } from '@temporalio/workflow';

/** A name for a machine that does not exist yet. */
export function newMachineId(): string {
  return `m-${uuid4().replaceAll('-', '').slice(0, 20)}`;
}
