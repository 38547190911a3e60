import { machineTypeOf } from '../../domain/gcp-machine-type.ts';
import { networkOfSpec, networkPathOf, type GcpRules } from '../../domain/gcp-rules.ts';
import type { AgentBootstrap, CreateMachineRequest } from '../../domain/machine-provider.ts';
import type { VmSpec } from '../../domain/vm-spec.ts';
import type { InstanceResource, MetadataItem, NetworkInterface, Scheduling } from './compute-api.ts';
import { containerScript, environmentFile } from './container-script.ts';
import { containerOf, imagePathOf } from './image-reference.ts';
import { LABEL, instanceNameOf, labelKeyOf, labelValueOf } from './instance-names.ts';
import { METADATA, type MachineRecord } from './machine-facts.ts';
import { startupScript, type ApiCaUse, type MachineIdentity } from './startup-script.ts';

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
const DEFAULT_DISK_GB = 10;

/** The whole instance of a request; the same request gives the same resource. */
export function instanceResource(
  request: CreateMachineRequest,
  zone: string,
  defaults: InstanceDefaults,
): InstanceResource {
  const { spec, machineId } = request;
  const name = instanceNameOf(defaults.deployment, machineId);
  const labels = labelsOf(request, defaults.deployment);
  return {
    name,
    machineType: `zones/${zone}/machineTypes/${machineTypeOf(spec)}`,
    labels,
    tags: { items: ['ephemera', spec.egress ? 'ephemera-egress' : 'ephemera-sealed'] },
    metadata: { items: metadataOf(request, defaults) },
    disks: [
      {
        boot: true,
        autoDelete: true,
        initializeParams: {
          diskName: name,
          diskSizeGb: spec.diskGb ?? DEFAULT_DISK_GB,
          diskType: `zones/${zone}/diskTypes/${defaults.diskType}`,
          sourceImage: imagePathOf(spec.image, defaults.project),
          labels,
        },
      },
    ],
    networkInterfaces: [networkOf(spec, defaults)],
    serviceAccounts: serviceAccountsOf(request, defaults),
    scheduling: schedulingOf(spec),
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
  };
}

function labelsOf({ spec, machineId, project, vm }: CreateMachineRequest, deployment: string): Record<string, string> {
  const own = Object.entries(spec.labels).map(([key, value]) => [labelKeyOf(key), labelValueOf(value)]);
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    [LABEL.deployment]: labelValueOf(deployment),
    [LABEL.machine]: labelValueOf(machineId),
    [LABEL.project]: labelValueOf(project),
    [LABEL.vm]: labelValueOf(vm),
  };
}

function metadataOf(request: CreateMachineRequest, defaults: InstanceDefaults): MetadataItem[] {
  const { spec, machineId, project, vm, startSignature, agentBootstrap } = request;
  const record: MachineRecord = {
    labels: { deployment: defaults.deployment, machineId, project, vm },
    ports: spec.ports,
    externalIp: spec.externalIp,
    ...(spec.sealed === undefined ? {} : { awaitsAssignment: true, startSignature }),
  };
  const items: MetadataItem[] = [
    { key: METADATA.machine, value: JSON.stringify(record) },
    // Nobody's key of the whole project opens a guest's machine.
    { key: 'block-project-ssh-keys', value: 'TRUE' },
  ];
  const container = containerEnvironmentOf(spec);
  if (container !== null) items.push({ key: METADATA.containerEnvironment, value: container });
  if (Object.keys(spec.env).length > 0) items.push({ key: METADATA.environment, value: JSON.stringify(spec.env) });
  if (agentBootstrap === null) return items;
  items.push({ key: METADATA.apiUrl, value: agentBootstrap.apiUrl });
  if (agentBootstrap.apiCa !== undefined) items.push({ key: METADATA.apiCa, value: agentBootstrap.apiCa });
  const identity = defaults.machineServiceAccount === null ? 'secret' : 'instance';
  const key = identity === 'secret' ? METADATA.agentSecret : METADATA.agentBinding;
  items.push({ key, value: agentBootstrap.secret });
  const script = startupScriptOf(spec, defaults.vmServerUrl, { identity, apiCa: caUseOf(agentBootstrap, defaults) });
  if (script !== null) items.push({ key: METADATA.startupScript, value: script });
  return items;
}

/** Null where no container is run. */
function containerEnvironmentOf({ image, env }: VmSpec): string | null {
  return containerOf(image) === null ? null : environmentFile(env);
}

/** Null where the image starts its agent itself. */
function startupScriptOf(
  spec: VmSpec,
  vmServerUrl: string | null,
  trust: { identity: MachineIdentity; apiCa: ApiCaUse },
): string | null {
  if (vmServerUrl === null) return null;
  const container = containerOf(spec.image);
  if (container !== null) return containerScript({ vmServerUrl, ...trust, container, ports: spec.ports });
  const port = spec.ports.find(({ protocol }) => protocol === 'tcp')?.port ?? null;
  return startupScript({ vmServerUrl, ...trust, app: spec.image === 'vm-server' ? 'chat' : { port } });
}

/** The file comes from the API, or from elsewhere, where the certificate of the API is nobody's. */
function caUseOf({ apiUrl, apiCa }: AgentBootstrap, { vmServerUrl }: InstanceDefaults): ApiCaUse {
  if (apiCa === undefined) return 'none';
  return vmServerUrl?.startsWith(`${apiUrl}/`) === true ? 'reportsAndDownload' : 'reports';
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
function schedulingOf({ spot, maxLifetimeSeconds }: VmSpec): Scheduling {
  return {
    automaticRestart: false,
    onHostMaintenance: spot ? 'TERMINATE' : 'MIGRATE',
    provisioningModel: spot ? 'SPOT' : 'STANDARD',
    instanceTerminationAction: 'DELETE',
    maxRunDuration: { seconds: Math.ceil(maxLifetimeSeconds) + RUN_LIMIT_SLACK_SECONDS },
  };
}
