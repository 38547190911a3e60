/**
 * A host as it was before creates were pulled by size: it takes whatever comes from one queue and keeps it until it fits,
 * first in, first out.
 */
import { Context } from '@temporalio/activity';
import { fits, freeRoom, NO_ROOM, type RoomSize } from '../../domain/capacity/room.ts';
import type { CreateMachineInput, MachineActivities } from '../../domain/machine/activities.ts';
import { hostMachineTaskQueue, machineTaskQueue, maintenanceTaskQueueOf } from '../../domain/wire-names.ts';
import type { TestServer } from '../../test-support/temporal-server.ts';
import {
  MemoryMachines,
  type HostInMemory,
  type HostInMemoryOptions,
} from '../../test-support/workflow/host-in-memory.ts';
import { runBenchWorker } from './workers.ts';

const HEARTBEAT_MS = 2000;

export async function startOneQueueHost(
  { address }: TestServer,
  { controlTaskQueue, hostId, total }: HostInMemoryOptions,
): Promise<HostInMemory> {
  const machines = new MemoryMachines(hostId, undefined);
  const waiting: { size: RoomSize; begin: () => void }[] = [];
  const admit = (): void => {
    for (let first = waiting[0]; first && fits(first.size, freeOf(total, machines)); first = waiting[0]) {
      waiting.shift();
      first.begin();
    }
  };
  const queue = hostMachineTaskQueue('local', hostId, controlTaskQueue);
  const createMachine = async ({
    machineId,
    spec,
    signature: startSignature,
  }: CreateMachineInput): ReturnType<MachineActivities['createMachine']> => {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
    const { cpus, memoryMb, diskGb } = spec;
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        clearInterval(beat);
        machines
          .create({
            machineId,
            spec,
            owner: context.info.workflowExecution?.workflowId ?? '',
            startSignature,
            agentBootstrap: null,
          })
          .then(({ provider, host, zone, address: at }) =>
            resolve({ ...{ machineId, provider, host, zone, address: at }, queue }),
          )
          .catch(reject);
      };
      waiting.push({ size: { cpus, memoryMb, diskGb: diskGb ?? 0 }, begin });
      admit();
    });
  };
  const destroyMachine = async ({ machineId }: { machineId: string }): Promise<void> => {
    await machines.destroy(machineId);
    admit();
  };
  const activities = { createMachine, destroyMachine };
  const options = { activities, maxConcurrentActivityTaskExecutions: 1000 };
  const stops = await Promise.all(
    [machineTaskQueue('local', controlTaskQueue), maintenanceTaskQueueOf(queue)].map((taskQueue) =>
      runBenchWorker(address, { ...options, taskQueue }),
    ),
  );
  const stop = async (): Promise<void> => {
    await Promise.all(stops.map((one) => one()));
  };
  return { hostId, machines, stop };
}

function freeOf(total: RoomSize, { cpus }: MemoryMachines): RoomSize {
  return freeRoom(total, { ...NO_ROOM, cpus });
}
