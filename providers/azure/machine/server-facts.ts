/** What a virtual machine of Azure says of the server that it is. */
import type { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { CloudServer } from '../../cloud/cloud.ts';
import type { MachineRecord } from '../../cloud/machine-record.ts';
import type {
  InstanceStatus,
  MachineResource,
  NetworkInterfaceResource,
  PublicIpResource,
} from '../calls/azure-api.ts';
import { failureOfState } from '../calls/client-errors.ts';
import { placeText } from '../place.ts';
import { TAG, madeAt, recordOfTags, wishOf, type Tags } from './machine-tags.ts';

export interface AzureServer extends CloudServer {
  tags: Tags;
  /** Of what was read: a change of something else is refused. */
  etag: string | undefined;
  location: string;
  /** Of its firmware, which an image of its disk has too. */
  generation: string;
  isSpot: boolean;
  isBeingDeleted: boolean;
  /** Nobody but Azure or its own portal takes the computer from under it. */
  isDeallocated: boolean;
}

/** `statuses`: where the answer was a list, which has none itself. Undefined for what is none of this deployment. */
export function serverOf(
  machine: MachineResource,
  deployment: string,
  statuses: readonly InstanceStatus[] = machine.instanceView?.statuses ?? [],
): AzureServer | undefined {
  const record = recordOfTags(machine.tags, deployment);
  if (record === undefined) return undefined;
  const tags = machine.tags ?? {};
  const wish = wishOf(tags);
  const power = powerOf(statuses);
  const state = stateOf(machine.provisioningState, statuses, power, wish !== null);
  return {
    ...state,
    ...{ record, tags, wish },
    id: machine.vmId ?? machine.id ?? '',
    ...(machine.vmId === undefined ? {} : { instanceId: machine.vmId }),
    place: placeText(machine.location, machine.zones?.[0]),
    ip: tags[TAG.ip] ?? null,
    createdAt: machine.timeCreated?.getTime() ?? madeAt(tags),
    etag: machine.etag,
    location: machine.location,
    generation: machine.instanceView?.hyperVGeneration ?? 'V2',
    isSpot: machine.priority === 'Spot',
    isBeingDeleted: machine.provisioningState === 'Deleting',
    isDeallocated: power === 'deallocated' || power === 'deallocating',
  };
}

/** How long parts may be there before their machine is. */
const PARTS_ALONE_MS = 10 * 60_000;

/** A machine of which there is an interface or an address alone; undefined for one of another deployment. */
export function partsOf(
  part: NetworkInterfaceResource | PublicIpResource,
  deployment: string,
  nowMs: number,
): AzureServer | undefined {
  const record = recordOfTags(part.tags, deployment);
  if (record === undefined) return undefined;
  const createdAt = madeAt(part.tags);
  const isLeft = nowMs - createdAt > PARTS_ALONE_MS;
  return {
    ...partsOnly(record, isLeft ? 'gone' : 'starting'),
    ...(isLeft ? { failure: failureOfState('NoMachine', `${part.name ?? ''} has no machine`) } : {}),
    ...{
      tags: part.tags ?? {},
      createdAt,
      id: part.id ?? '',
      location: part.location ?? '',
      place: part.location ?? '',
    },
  };
}

/** What is accepted has no facts of its own yet. */
export function partsOnly(
  record: MachineRecord,
  status: 'starting' | 'gone',
): Omit<AzureServer, 'place' | 'location' | 'tags'> {
  return {
    ...{ id: '', status, ip: null, createdAt: Date.now(), record, wish: null, etag: undefined },
    ...{ generation: 'V2', isSpot: false, isDeallocated: false, isBeingDeleted: false },
  };
}

function powerOf(statuses: readonly InstanceStatus[]): string | undefined {
  const code = statuses.find((status) => status.code?.startsWith('PowerState/') === true)?.code;
  return code?.slice('PowerState/'.length).toLowerCase();
}

type State = Pick<CloudServer, 'status'> & { failure?: CloudFailure };

function stateOf(
  provisioning: string | undefined,
  statuses: readonly InstanceStatus[],
  power: string | undefined,
  wasStopped: boolean,
): State {
  // One that never ran was given up, and whoever found that out is taking it away: there may be another one of its id.
  if (provisioning === 'Deleting' && power === undefined) {
    return { status: 'gone', failure: failureOfState('OperationPreempted', 'it was given up and is being deleted') };
  }
  if (provisioning === 'Deleting') return { status: 'stopping' };
  if (power === 'running') return { status: 'running' };
  if (provisioning === 'Failed') {
    const failure = failureIn(statuses);
    return { status: wasStopped ? 'stopped' : 'gone', failure };
  }
  if (provisioning === 'Creating') return { status: 'starting' };
  switch (power) {
    case 'stopping':
    case 'deallocating':
      return { status: 'stopping' };
    case 'stopped':
    case 'deallocated':
      return { status: 'stopped' };
    case 'hibernated':
      return { status: 'suspended' };
    case undefined:
    default:
      return { status: 'starting' };
  }
}

function failureIn(statuses: readonly InstanceStatus[]): CloudFailure {
  const failed = statuses.find(({ code }) => code?.toLowerCase().startsWith('provisioningstate/failed') === true);
  const reason = failed?.code?.split('/')[2] ?? 'Failed';
  return failureOfState(reason, failed?.message ?? 'Azure does not say why');
}
