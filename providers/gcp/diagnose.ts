/** What a deployment on Compute Engine needs, asked of the cloud itself; each finding says what to do about it. */
import { GoogleAuth, PassThroughClient, type AuthClient } from 'google-auth-library';
import type { DiagnosisParts, Finding } from '../descriptor.ts';
import { GCP_RULES, networkPathOf, type GcpRules } from './rules.ts';
import { DEFAULT_IMAGE, imagePathOf } from './machine/image-reference.ts';
import { serverNameOf } from '../cloud/resource-names.ts';
import {
  EXTERNAL_IP_PERMISSIONS,
  MACHINE_PERMISSIONS,
  NETWORK_PERMISSIONS,
  PROJECT_PERMISSIONS,
} from './permissions.ts';
import { DEFAULT_ZONES, OWN_SERVER_PROJECT } from './place.ts';
import type { GcpSettings } from './settings.ts';

export interface GcpDoctorOptions {
  project: string;
  /** Whose machines are to be made; `default` unless given. */
  deployment?: string;
  /** What specs may ask for; those of a deployment that sets none unless given. */
  rules?: GcpRules;
  zones: readonly string[];
  /** Another endpoint than Google's; `http://` means without credentials. */
  endpoint: string | null;
  /** Image to look for; the one of the built-in template unless given. */
  image?: string;
  /** Whose credentials to use; Application Default Credentials unless given. */
  authClient?: AuthClient;
}

export interface GcpFinding extends Finding {
  check: 'credentials' | 'api' | 'permissions' | 'zones' | 'quota' | 'image';
}

const COMPUTE = 'https://compute.googleapis.com';
const RESOURCE_MANAGER = 'https://cloudresourcemanager.googleapis.com';
const SCOPES = ['https://www.googleapis.com/auth/cloud-platform'];
const ANSWER_TIMEOUT_MS = 20_000;
/** Quotas that a machine uses up; a region with less room than this is worth a word. */
const QUOTAS: ReadonlyMap<string, number> = new Map([
  ['INSTANCES', 1],
  ['CPUS', 2],
  ['SSD_TOTAL_GB', 10],
]);

/** What is asked for a deployment with these settings. */
export function diagnose({ own, deployment }: DiagnosisParts<GcpSettings>): Promise<GcpFinding[]> {
  const { project, zones, endpoint, rules } = own;
  const places = zones.length > 0 ? zones : DEFAULT_ZONES;
  return diagnoseGcp({ project: project ?? OWN_SERVER_PROJECT, deployment, rules, zones: places, endpoint });
}

/** Asks everything that can be asked; what a missing answer makes senseless is left out. */
export async function diagnoseGcp(options: GcpDoctorOptions): Promise<GcpFinding[]> {
  const { client, finding } = await credentials(options);
  if (client === undefined) return [finding];
  const doctor = new GcpDoctor(options, client);
  const api = await doctor.api();
  if (!api.ok) return [finding, api];
  return [finding, api, await doctor.permissions(), ...(await doctor.zonesAndQuota()), await doctor.image()];
}

async function credentials(
  options: GcpDoctorOptions,
): Promise<{ client: AuthClient | undefined; finding: GcpFinding }> {
  const { endpoint, authClient } = options;
  if (endpoint?.startsWith('http://')) {
    return { client: new PassThroughClient(), finding: well('credentials', `${endpoint} needs none`) };
  }
  try {
    const client = authClient ?? (await new GoogleAuth({ scopes: SCOPES }).getClient());
    await client.getAccessToken();
    return { client, finding: well('credentials', 'they give an access token') };
  } catch (error) {
    const todo =
      'Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run on a VM with a service account.';
    return { client: undefined, finding: bad('credentials', messageOf(error), todo) };
  }
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

class GcpDoctor {
  readonly #options: GcpDoctorOptions;
  readonly #client: AuthClient;

  constructor(options: GcpDoctorOptions, client: AuthClient) {
    this.#options = options;
    this.#client = client;
  }

  async api(): Promise<GcpFinding> {
    const { project } = this.#options;
    const { status, body } = await this.#ask('GET', this.#compute(''));
    if (status === 200) return well('api', `Compute Engine answers for ${project}`);
    const message = errorOf(body);
    if (status === 404) {
      return bad('api', message, `Correct EPHEMERA_GCP_PROJECT: there is no project ${project}, or it is not yours.`);
    }
    if (/has not been used|is disabled|accessNotConfigured|SERVICE_DISABLED/.test(JSON.stringify(body))) {
      const todo = `Run \`gcloud services enable compute.googleapis.com --project ${project}\` and wait a minute.`;
      return bad('api', message, todo);
    }
    if (status === 401 || status === 403) {
      return bad('api', message, `Give these credentials the role of deploy/gcp (iam.tf) on project ${project}.`);
    }
    return bad('api', message, 'Look at https://status.cloud.google.com, and at the network between here and Google.');
  }

  async permissions(): Promise<GcpFinding> {
    const { project, endpoint } = this.#options;
    const url = `${endpoint ?? RESOURCE_MANAGER}/v1/projects/${project}:testIamPermissions`;
    const { rules = GCP_RULES } = this.#options;
    const onNetworks = [...NETWORK_PERMISSIONS, ...(rules.externalIp === 'allowed' ? EXTERNAL_IP_PERMISSIONS : [])];
    const wanted = [...PROJECT_PERMISSIONS, ...MACHINE_PERMISSIONS, ...onNetworks];
    const { status, body } = await this.#ask('POST', url, { permissions: wanted });
    if (status !== 200) {
      const todo = `Run \`gcloud services enable cloudresourcemanager.googleapis.com --project ${project}\`, so that permissions can be tested.`;
      return bad('permissions', errorOf(body), todo);
    }
    const granted = new Set(permissionsOf(body));
    // What is granted for this deployment's machines, or for a subnetwork, alone, is asked there.
    for (const permission of await this.#grantedOn(this.#anInstance(), MACHINE_PERMISSIONS, granted)) {
      granted.add(permission);
    }
    const missing: string[] = [...PROJECT_PERMISSIONS, ...MACHINE_PERMISSIONS].filter(
      (permission) => !granted.has(permission),
    );
    for (const network of rules.networks) missing.push(...(await this.#missingOn(network, onNetworks, granted)));
    if (missing.length === 0) return well('permissions', `all ${wanted.length} are granted`);
    const todo = `Grant them, for example with the custom roles of deploy/gcp (iam.tf).`;
    return bad('permissions', `missing: ${missing.sort().join(', ')}`, todo);
  }

  /** The instance of no machine, with a name such as this deployment gives. */
  #anInstance(): string {
    const { deployment = 'default', zones } = this.#options;
    return `/zones/${zones[0] ?? ''}/instances/${serverNameOf(deployment, 'm-doctor')}`;
  }

  async #missingOn(network: string, wanted: readonly string[], granted: ReadonlySet<string>): Promise<string[]> {
    const path = networkPathOf(network, this.#options.project) ?? network;
    const there = path.includes('/subnetworks/') ? await this.#grantedOn(`/${path}`, wanted, granted) : [];
    return wanted
      .filter((permission) => !granted.has(permission) && !there.includes(permission))
      .map((permission) => `${permission} on ${path}`);
  }

  /** Those of the permissions which are not known to be granted, but are on this resource; none where it cannot be asked. */
  async #grantedOn(path: string, wanted: readonly string[], known: ReadonlySet<string>): Promise<string[]> {
    const permissions = wanted.filter((permission) => !known.has(permission));
    if (permissions.length === 0) return [];
    const { status, body } = await this.#ask('POST', `${this.#resource(path)}/testIamPermissions`, { permissions });
    return status === 200 ? permissionsOf(body) : [];
  }

  /** A path of another project names that itself. */
  #resource(path: string): string {
    const base = this.#options.endpoint ?? COMPUTE;
    return path.startsWith('/projects/') ? `${base}/compute/v1${path}` : this.#compute(path);
  }

  async zonesAndQuota(): Promise<GcpFinding[]> {
    const regions = new Set<string>();
    const findings: GcpFinding[] = [];
    for (const zone of this.#options.zones) {
      const { status, body } = await this.#ask('GET', this.#compute(`/zones/${zone}`));
      if (status === 200 && body['status'] === 'UP') {
        regions.add(zone.replace(/-[a-z]$/, ''));
        continue;
      }
      const found = status === 200 ? `zone ${zone} is ${String(body['status'])}` : errorOf(body);
      findings.push(bad('zones', found, `Take ${zone} out of EPHEMERA_GCP_ZONES.`));
    }
    if (findings.length === 0) findings.push(well('zones', this.#options.zones.join(', ')));
    for (const region of regions) findings.push(await this.#quota(region));
    return findings;
  }

  async image(): Promise<GcpFinding> {
    const { image, project } = this.#options;
    const path = image === undefined ? DEFAULT_IMAGE : imagePathOf(image, project);
    const base = this.#options.endpoint ?? COMPUTE;
    const { status, body } = await this.#ask('GET', `${base}/compute/v1/${path}`);
    if (status === 200) return well('image', `${path} is ${String(body['name'])}`);
    const todo =
      status === 403
        ? `Grant compute.images.useReadOnly on ${path.split('/')[1] ?? ''} to these credentials.`
        : 'Name another image in the template, or make it: an image or family that does not exist cannot be used.';
    return bad('image', errorOf(body), todo);
  }

  async #quota(region: string): Promise<GcpFinding> {
    const { status, body } = await this.#ask('GET', this.#compute(`/regions/${region}`));
    if (status !== 200) return bad('quota', errorOf(body), 'Grant compute.regions.get, so that quotas can be read.');
    const quotas = (body['quotas'] ?? []) as { metric: string; limit: number; usage: number }[];
    const short = quotas.filter(({ metric, limit, usage }) => limit - usage < (QUOTAS.get(metric) ?? -Infinity));
    const rooms = quotas
      .filter(({ metric }) => QUOTAS.has(metric))
      .map(({ metric, limit, usage }) => `${metric} ${usage} of ${limit}`)
      .join(', ');
    if (short.length === 0) return well('quota', `${region}: ${rooms}`);
    const names = short.map(({ metric }) => metric).join(', ');
    const todo = `Ask for more of ${names} in ${region} (IAM & Admin, Quotas), or destroy what is not needed.`;
    return bad('quota', `${region}: ${rooms}`, todo);
  }

  #compute(path: string): string {
    const { project, endpoint } = this.#options;
    return `${endpoint ?? COMPUTE}/compute/v1/projects/${project}${path}`;
  }

  /** Any answer, errors included; no answer at all has the status 0. */
  async #ask(method: 'GET' | 'POST', url: string, data?: unknown): Promise<Answer> {
    try {
      const { status, data: body } = await this.#client.request<Record<string, unknown>>({
        url,
        method,
        ...(data === undefined ? {} : { data }),
        timeout: ANSWER_TIMEOUT_MS,
        responseType: 'json',
        validateStatus: () => true,
      });
      return { status, body };
    } catch (error) {
      return { status: 0, body: { error: { message: messageOf(error) } } };
    }
  }
}

function well(check: GcpFinding['check'], found: string): GcpFinding {
  return { check, ok: true, found, todo: '' };
}

function bad(check: GcpFinding['check'], found: string, todo: string): GcpFinding {
  return { check, ok: false, found, todo };
}

function errorOf(body: Record<string, unknown>): string {
  const { message } = (body['error'] ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : 'no message';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function permissionsOf(body: Record<string, unknown>): string[] {
  return Array.isArray(body['permissions']) ? (body['permissions'] as string[]) : [];
}
