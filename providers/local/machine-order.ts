import { join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalMachineOrder } from '../../domain/local-machine.ts';
import { readJson } from '../host/machine-files.ts';

/** What the machine in `dir` is made from; undefined when nobody wrote it. */
export async function readOrder(dir: string): Promise<LocalMachineOrder | undefined> {
  const order = await readJson(join(dir, LOCAL_MACHINE_FILE.order));
  return isOrder(order) ? order : undefined;
}

function isOrder(value: unknown): value is LocalMachineOrder {
  const order = value as Partial<LocalMachineOrder> | undefined;
  const labels = order?.labels as Partial<LocalMachineOrder['labels']> | undefined;
  return (
    typeof labels?.deployment === 'string' &&
    typeof labels.machineId === 'string' &&
    typeof labels.project === 'string' &&
    typeof labels.vm === 'string' &&
    typeof order?.createdAt === 'number' &&
    typeof order.host === 'string' &&
    Array.isArray(order.ports) &&
    (order.link?.kind === 'unix' ? typeof order.link.socketPath === 'string' : order.link?.kind === 'http')
  );
}
