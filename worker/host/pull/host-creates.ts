/** Workers for the queues that creates wait in until a host has room. */
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { MachineActivityDependencies } from '../../../activities/machine/dependencies.ts';
import type { PlacementCheck } from '../../../activities/machine/create/placement-check.ts';
import { describeQueue } from '../../../config/queue-facts.ts';
import { createLaneOf, lanesOfHost } from '../../../domain/capacity/create-lanes.ts';
import type { ProviderErrorCode } from '../../../domain/machine/error-codes.ts';
import type { MachineActivities } from '../../../domain/machine/activities.ts';
import { createTaskQueue } from '../../../domain/wire-names.ts';
import type { CreateGate } from '../create-gate.ts';
import { createSlots } from '../create-slots.ts';
import type { HostRoom } from '../host-room.ts';
import { ONE_POLL, PULLED_POLLS } from '../polls.ts';
import { CreatePuller } from './create-puller.ts';
import type { HostList } from './host-list.ts';
import { placementCheck, type PlacingHost } from './placement-check.ts';
import { pulledRoom } from './pulled-room.ts';
import { pulledSlots } from './pulled-slots.ts';

/** What decides where creates go, as the activities use it. */
export type CreateParts = Pick<MachineActivityDependencies, 'room' | 'placement'>;

export interface HostCreates {
  /** For creates that this host did not pull, and for everything else that its machines are asked. */
  unasked: CreateParts;
  /** The workers of the queues that it pulls from. They do not poll yet. */
  workers: () => Promise<Worker>[];
}

export interface HostCreatesInput {
  self: PlacingHost;
  provider: string;
  controlTaskQueue: string;
  client: Client;
  hosts: HostList;
  /** Null: machines take no room of this host, so it pulls whatever comes. */
  room: HostRoom | null;
  gate: CreateGate | undefined;
  log: Logger;
  /** What every worker of the host has. */
  shared: Partial<WorkerOptions>;
  /** One for all of these workers: they poll different queues. */
  connection: NativeConnection;
  maxConcurrent: number;
  /** Creates of machines with these parts. */
  createWith: (parts: CreateParts) => MachineActivities['createMachine'];
}

/** A host whose disk is full looks again after this time whether it is. */
const FULL_DISK_REST_SECONDS = 10;
const DISK_FULL: ProviderErrorCode = 'diskFull';

export function hostCreates(input: HostCreatesInput): HostCreates {
  const { self, hosts, room, gate } = input;
  const placement = placementCheck(self, hosts);
  if (room === null) {
    const parts = { room: null, placement };
    return { unasked: parts, workers: () => workersOf(input, null, restingWhenFull(input.createWith(parts), gate)) };
  }
  const puller = createPuller(input, room);
  const parts: CreateParts = {
    room: pulledRoom(room, puller, 'pulled'),
    placement: { ...placement, refuse: (request) => refuseHere(placement, puller, request) },
  };
  const create = restingWhenFull(input.createWith(parts), gate);
  const createMachine: MachineActivities['createMachine'] = (request) =>
    create(request).finally(() =>
      puller.createEnded(request.machineId, createLaneOf(request.spec, request.zone ?? null)),
    );
  return {
    unasked: { room: pulledRoom(room, puller, 'unasked'), placement },
    workers: () => workersOf(input, puller, createMachine),
  };
}

function restingWhenFull(
  create: MachineActivities['createMachine'],
  gate: CreateGate | undefined,
): MachineActivities['createMachine'] {
  return (request) =>
    create(request).catch((error: unknown) => {
      if (error instanceof ApplicationFailure && error.type === DISK_FULL) gate?.rest(FULL_DISK_REST_SECONDS);
      throw error;
    });
}

function workersOf(
  { self, provider, controlTaskQueue, shared, connection, maxConcurrent, gate }: HostCreatesInput,
  puller: CreatePuller | null,
  createMachine: MachineActivities['createMachine'],
): Promise<Worker>[] {
  return lanesOfHost(self.zone).map((lane) =>
    Worker.create({
      ...shared,
      connection,
      taskQueue: createTaskQueue(provider, lane, controlTaskQueue),
      activities: { createMachine },
      ...(puller === null
        ? { ...unlimitedSlots(maxConcurrent, gate), ...ONE_POLL }
        : { tuner: pulledSlots(puller, lane), ...PULLED_POLLS }),
    }),
  );
}

function createPuller(
  { self, provider, controlTaskQueue, client, hosts, gate, log }: HostCreatesInput,
  room: HostRoom,
): CreatePuller {
  return new CreatePuller({
    hostId: self.hostId,
    room,
    lanes: lanesOfHost(self.zone),
    describe: (lane) => describeQueue(client, createTaskQueue(provider, lane, controlTaskQueue)),
    hosts,
    isOpen: () => gate?.isOpen ?? true,
    log,
  });
}

/** Where this host is none for a create, it looks at such more rarely. */
async function refuseHere(
  check: PlacementCheck,
  puller: CreatePuller,
  request: Parameters<PlacementCheck['refuse']>[0],
): Promise<string | undefined> {
  const why = await check.refuse(request);
  const lane = createLaneOf(request.spec, request.zone);
  if (why === undefined) puller.unpause(lane);
  else puller.pause(lane, (await check.otherHosts()).length);
  return why;
}

function unlimitedSlots(limit: number, gate: CreateGate | undefined): Partial<WorkerOptions> {
  return gate === undefined ? { maxConcurrentActivityTaskExecutions: limit } : { tuner: createSlots(limit, gate) };
}
