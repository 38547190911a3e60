/** The request that makes the instance of a machine; the same request gives the same one, for its token covers all of it. */
import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { opensEgress } from '../../../domain/network/egress.ts';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { recordOfRequest } from '../../cloud/machine-record.ts';
import { requestIdOf } from '../../cloud/request-id.ts';
import { serverUserData } from '../../cloud/server-user-data.ts';
import type { MachineIdentity } from '../../cloud/startup-script.ts';
import type { Ec2Rules } from '../rules.ts';
import { firstProofTags } from '../agent-proof.ts';
import { EC2_SCRIPTS } from '../start-scripts.ts';
import type { StartDisk } from './images.ts';
import { machineTypeOf } from './machine-type.ts';
import { asTags, labelTags, recordTags, type Tag } from './tags.ts';

/** What all instances of a deployment have in common. */
export interface InstanceDefaults {
  deployment: string;
  rules: Ec2Rules;
  identity: MachineIdentity;
  /** Where machines fetch vm-server; null where their images have it. */
  vmServerUrl: string | null;
  instanceProfile: string | null;
  volumeType: string;
}

const DEFAULT_DISK_GB = 10;
const MAX_USER_DATA_BYTES = 16_384;
/** Words of the tokens; stable. */
const TOKENS = 'ephemera ec2';

/**
 * A second RunInstances with it makes nothing, until a day after the instance was terminated. `attempt`: from 1; a further one where
 * EC2 could not launch the instance of the one before.
 */
export function clientTokenOf(deployment: string, machineId: string, place: string, attempt = 1): string {
  return requestIdOf(TOKENS, deployment, machineId, place, attempt);
}

/** Tags of the instance; `check` counts them before anything is made. */
export function instanceTags(request: CreateMachineRequest, { deployment, identity }: InstanceDefaults): Tag[] {
  const { machineId, agentBootstrap } = request;
  return [
    ...labelTags(request, deployment),
    ...recordTags(recordOfRequest(request, deployment)),
    ...(agentBootstrap === null ? [] : asTags(firstProofTags(machineId, identity, agentBootstrap.secret))),
  ];
}

export function userDataOf(request: CreateMachineRequest, defaults: InstanceDefaults): string {
  const { deployment, identity, vmServerUrl } = defaults;
  return serverUserData(request, deployment, {
    cloud: EC2_SCRIPTS,
    identity,
    vmServerUrl,
    maxBytes: MAX_USER_DATA_BYTES,
  });
}

export function runInstancesInput(
  request: CreateMachineRequest,
  place: string,
  disk: StartDisk,
  defaults: InstanceDefaults,
  attempt = 1,
): RunInstancesCommandInput {
  const { spec, machineId } = request;
  const { deployment, rules, instanceProfile, volumeType } = defaults;
  const userData = userDataOf(request, defaults);
  const subnet = rules.subnets[place];
  const groups = [...rules.securityGroups, ...(opensEgress(spec.egress) ? rules.egressSecurityGroups : [])];
  return {
    MinCount: 1,
    MaxCount: 1,
    ClientToken: clientTokenOf(deployment, machineId, place, attempt),
    ImageId: disk.imageId,
    InstanceType: machineTypeOf(spec) as RunInstancesCommandInput['InstanceType'],
    ...(subnet === undefined ? { Placement: { AvailabilityZone: place } } : {}),
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        DeleteOnTermination: true,
        AssociatePublicIpAddress: spec.externalIp,
        ...(subnet === undefined ? {} : { SubnetId: subnet }),
        ...(groups.length === 0 ? {} : { Groups: groups }),
      },
    ],
    BlockDeviceMappings: [
      {
        DeviceName: disk.device,
        Ebs: {
          DeleteOnTermination: true,
          Encrypted: true,
          VolumeType: volumeType as 'gp3',
          VolumeSize: Math.max(spec.diskGb ?? DEFAULT_DISK_GB, disk.sizeGb),
        },
      },
    ],
    // Version 2 alone: a page that a guest's program fetches for somebody else reads no secret of it.
    MetadataOptions: {
      HttpEndpoint: 'enabled',
      HttpTokens: 'required',
      HttpPutResponseHopLimit: 1,
      InstanceMetadataTags: 'enabled',
    },
    // A guest that shuts itself down keeps its disk until its VM ends, as on every provider.
    InstanceInitiatedShutdownBehavior: 'stop',
    Monitoring: { Enabled: false },
    ...(instanceProfile === null ? {} : { IamInstanceProfile: { Name: instanceProfile } }),
    ...(spec.spot ? SPOT : {}),
    ...(userData === '' ? {} : { UserData: Buffer.from(userData).toString('base64') }),
    TagSpecifications: [
      { ResourceType: 'instance', Tags: instanceTags(request, defaults) },
      { ResourceType: 'volume', Tags: labelTags(request, deployment) },
    ],
  };
}

/** Asked for once: a persistent request would make the instance again after each end. */
const SPOT: Pick<RunInstancesCommandInput, 'InstanceMarketOptions'> = {
  InstanceMarketOptions: {
    MarketType: 'spot',
    SpotOptions: { SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate' },
  },
};
