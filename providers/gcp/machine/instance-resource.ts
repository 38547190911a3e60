import { machineTypeOf } from './machine-type.ts';
import { networkOfSpec, networkPathOf, type GcpRules } from '../rules.ts';
import { ownerNames } from '../../../domain/machine/owner.ts';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { MAX_WARM_TTL_SECONDS } from '../../../domain/pool/messages.ts';
import { TIMEOUT_LIMITS } from '../../../domain/timeouts.ts';
import { opensEgress } from '../../../domain/network/egress.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import type { InstanceResource, MetadataItem, NetworkInterface, Scheduling } from '../calls/compute-api.ts';
import { containerOf } from '../../cloud/container-image.ts';
import { containerScript, environmentFile } from '../../cloud/container-script.ts';
import { imagePathOf } from './image-reference.ts';
import { LABEL, serverNameOf } from '../../cloud/resource-names.ts';
import { labelKeyOf, labelValueOf, ownerLabelOf } from './instance-names.ts';
import { METADATA } from './machine-facts.ts';
import type { StartDisk } from './machine-images.ts';
import { GCE_SCRIPTS } from './start-scripts.ts';
import { machineKeyOf } from '../../cloud/machine-key.ts';
import { recordOfRequest } from '../../cloud/machine-record.ts';
import { apiCaUse, startupScript, type ApiCaUse, type MachineIdentity } from '../../cloud/startup-script.ts';

/** What all instances of a deployment have in common. */
export interface InstanceDefaults {
  deployment: string;
  project: string;
  /** Email of a service account without roles that machines prove themselves with; null: a one-time secret instead. */
  machineServiceAccount: string | null;
  /** Where machines fetch vm-server; null where the images have it already. */
  vmServerUrl: string | null;
  /** `pd-balanced`, `pd-ssd`, `hyperdisk-balanced`, …: what the machine types in use take. */
  diskType: string;
  rules: GcpRules;
}

/** Compute Engine deletes a machine this much later than its owner should have. */
const RUN_LIMIT_SLACK_SECONDS = 15 * 60;
/**
 * How long a machine that waits in a pool may be needed: the limit of a running instance cannot be changed, and nobody knows yet
 * how long its VM may live.
 */
const LONGEST_AFTER_WAIT_SECONDS = MAX_WARM_TTL_SECONDS + TIMEOUT_LIMITS.maxSeconds;
const DEFAULT_DISK_GB = 10;

/** The whole instance of a request; the same request gives the same resource. `startDisk`: what its disk begins with. */
export function instanceResource(
  request: CreateMachineRequest,
  zone: string,
  defaults: InstanceDefaults,
  startDisk: StartDisk = { source: imagePathOf(request.spec.image, defaults.project), sizeGb: 0 },
): InstanceResource {
  const { spec, machineId } = request;
  const name = serverNameOf(defaults.deployment, machineId);
  const labels = labelsOf(request, defaults.deployment);
  return {
    name,
    machineType: `zones/${zone}/machineTypes/${machineTypeOf(spec)}`,
    labels,
    tags: { items: ['ephemera', opensEgress(spec.egress) ? 'ephemera-egress' : 'ephemera-sealed'] },
    metadata: { items: metadataOf(request, defaults) },
    disks: [
      {
        boot: true,
        autoDelete: true,
        initializeParams: {
          diskName: name,
          // Compute Engine makes no disk that is smaller than its image.
          diskSizeGb: Math.max(spec.diskGb ?? DEFAULT_DISK_GB, startDisk.sizeGb),
          diskType: `zones/${zone}/diskTypes/${defaults.diskType}`,
          sourceImage: startDisk.source,
          labels,
        },
      },
    ],
    networkInterfaces: [networkOf(spec, defaults)],
    serviceAccounts: serviceAccountsOf(request, defaults),
    scheduling: schedulingOf(request),
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
  };
}

/** Of the instance of a machine, with those that its users gave it. */
export function labelsOf(
  { spec, machineId, owner, uid }: Pick<CreateMachineRequest, 'spec' | 'machineId' | 'owner' | 'uid'>,
  deployment: string,
): Record<string, string> {
  const { project, vm } = ownerNames(owner);
  const own = Object.entries(spec.labels).map(([key, value]) => [labelKeyOf(key), labelValueOf(value)]);
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    [LABEL.deployment]: labelValueOf(deployment),
    [LABEL.machine]: labelValueOf(machineId),
    [LABEL.owner]: ownerLabelOf(owner),
    ...(uid === undefined ? {} : { [LABEL.uid]: labelValueOf(uid) }),
    [LABEL.project]: labelValueOf(project),
    [LABEL.vm]: labelValueOf(vm),
  };
}

function metadataOf(request: CreateMachineRequest, defaults: InstanceDefaults): MetadataItem[] {
  const { spec, machineId, madeFor, agentBootstrap } = request;
  const record = recordOfRequest(request, defaults.deployment);
  const items: MetadataItem[] = [
    { key: METADATA.machine, value: JSON.stringify(record) },
    // Nobody's key of the whole project opens a guest's machine.
    { key: 'block-project-ssh-keys', value: 'TRUE' },
  ];
  const container = containerEnvironmentOf(spec);
  if (container !== null) items.push({ key: METADATA.containerEnvironment, value: container });
  if (Object.keys(spec.env).length > 0) items.push({ key: METADATA.environment, value: JSON.stringify(spec.env) });
  if (spec.userData !== undefined) items.push({ key: METADATA.userData, value: spec.userData });
  if (agentBootstrap === null) return items;
  items.push({ key: METADATA.apiUrl, value: agentBootstrap.apiUrl });
  if (agentBootstrap.apiCa !== undefined) items.push({ key: METADATA.apiCa, value: agentBootstrap.apiCa });
  const identity = defaults.machineServiceAccount === null ? 'secret' : 'instance';
  items.push({ key: proofKeyOf(defaults), value: agentBootstrap.secret });
  items.push({ key: METADATA.machineKey, value: machineKeyOf(machineId, agentBootstrap.secret) });
  const script = startupScriptOf(spec, defaults.vmServerUrl, {
    identity,
    apiCa: apiCaUse(agentBootstrap, defaults.vmServerUrl),
    changesOwner: madeFor !== undefined,
  });
  if (script !== null) items.push({ key: METADATA.startupScript, value: script });
  return items;
}

/** Key of the metadata by which the agent of a machine proves itself. */
export function proofKeyOf({ machineServiceAccount }: Pick<InstanceDefaults, 'machineServiceAccount'>): string {
  return machineServiceAccount === null ? METADATA.agentSecret : METADATA.agentBinding;
}

/** Null where no container is run. */
function containerEnvironmentOf({ image, env }: VmSpec): string | null {
  return containerOf(image) === null ? null : environmentFile(env);
}

/** Null where the image starts its agent itself. */
function startupScriptOf(
  spec: VmSpec,
  vmServerUrl: string | null,
  trust: { identity: MachineIdentity; apiCa: ApiCaUse; changesOwner: boolean },
): string | null {
  if (vmServerUrl === null) return null;
  const container = containerOf(spec.image);
  if (container !== null)
    return containerScript({ cloud: GCE_SCRIPTS, vmServerUrl, ...trust, container, ports: spec.ports });
  const port = spec.ports.find(({ protocol }) => protocol === 'tcp')?.port ?? null;
  return startupScript({
    cloud: GCE_SCRIPTS,
    vmServerUrl,
    ...trust,
    app: spec.image === 'vm-server' ? 'chat' : { port },
  });
}

function networkOf(spec: VmSpec, { rules }: InstanceDefaults): NetworkInterface {
  const named = networkOfSpec(spec, rules);
  const path = networkPathOf(named) ?? named;
  const link: NetworkInterface = path.includes('subnetworks/') ? { subnetwork: path } : { network: path };
  return spec.externalIp ? { ...link, accessConfigs: [{ type: 'ONE_TO_ONE_NAT', name: 'External NAT' }] } : link;
}

/** The identity token needs a service account; without roles it opens nothing else. */
function serviceAccountsOf(
  { agentBootstrap }: CreateMachineRequest,
  { machineServiceAccount }: InstanceDefaults,
): { email: string; scopes: string[] }[] {
  if (agentBootstrap === null || machineServiceAccount === null) return [];
  return [{ email: machineServiceAccount, scopes: ['https://www.googleapis.com/auth/userinfo.email'] }];
}

/** Gone is the only end: not restarted, not left behind stopped, and deleted even if nobody here lives to do it. */
function schedulingOf({ spec: { spot, maxLifetimeSeconds }, madeFor }: CreateMachineRequest): Scheduling {
  return {
    automaticRestart: false,
    onHostMaintenance: spot ? 'TERMINATE' : 'MIGRATE',
    provisioningModel: spot ? 'SPOT' : 'STANDARD',
    // One that stays ends by its VM alone; Compute Engine takes the action only where it may end one itself.
    ...(maxLifetimeSeconds === null && !spot ? {} : { instanceTerminationAction: 'DELETE' }),
    ...(maxLifetimeSeconds === null
      ? {}
      : {
          maxRunDuration: {
            seconds: RUN_LIMIT_SLACK_SECONDS + (madeFor ? LONGEST_AFTER_WAIT_SECONDS : Math.ceil(maxLifetimeSeconds)),
          },
        }),
  };
}
