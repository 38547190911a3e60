/** What a deployment on Azure needs, asked of Azure itself; each finding says what to do about it. */
import type { DiagnosisParts, Finding } from '../descriptor.ts';
import { credentialOf, type AzureAccess } from './calls/azure-clients.ts';
import { DEFAULT_IMAGE, imageReferenceOf } from './machine/image-reference.ts';
import { machineSizeOf } from './machine/machine-size.ts';
import type { ResourceGroup } from './machine/resource-ids.ts';
import { EXTERNAL_IP_ACTIONS, GROUP_ACTIONS, NETWORK_ACTIONS, SUBSCRIPTION_ACTIONS } from './permissions.ts';
import { DEFAULT_PLACES, OWN_SERVER, placeOf, type Place } from './place.ts';
import { AZURE_RULES, subnetIn, subnetOf, type AzureRules } from './rules.ts';
import type { AzureSettings } from './settings.ts';

export interface AzureDoctorOptions extends ResourceGroup, Omit<AzureAccess, 'subscription'> {
  places: readonly string[];
  rules?: AzureRules;
  image?: string | null;
}

export interface AzureFinding extends Finding {
  check: 'credentials' | 'group' | 'permissions' | 'subnets' | 'sizes' | 'quota' | 'image';
}

const MANAGEMENT = 'https://management.azure.com';
const ANSWER_TIMEOUT_MS = 20_000;
const VERSION = {
  resources: '2022-09-01',
  authorization: '2022-04-01',
  network: '2025-01-01',
  compute: '2025-04-01',
  skus: '2021-07-01',
  galleries: '2025-03-03',
} as const;
/** What a machine of the smallest size takes. */
const CORES = 2;
const GRANT_LOOK = `Grant ${SUBSCRIPTION_ACTIONS.join(', ')} on the subscription, so that it can be read.`;
const SMALLEST = { machineType: null, cpus: 1, memoryMb: 1024, spot: false } as const;

/** What is asked for a deployment with these settings. */
export function diagnose({ own }: DiagnosisParts<AzureSettings>): Promise<AzureFinding[]> {
  const { places, endpoint, rules, workerIdentity, image } = own;
  return diagnoseAzure({
    subscription: own.subscription ?? OWN_SERVER.subscription,
    resourceGroup: own.resourceGroup ?? OWN_SERVER.resourceGroup,
    places: places.length > 0 ? places : DEFAULT_PLACES,
    ...{ endpoint, rules, workerIdentity, image },
  });
}

/** Asks everything that can be asked; what a missing answer makes senseless is left out. */
export async function diagnoseAzure(options: AzureDoctorOptions): Promise<AzureFinding[]> {
  const { token, finding } = await credentials(options);
  if (token === undefined) return [finding];
  const doctor = new AzureDoctor(options, token);
  const group = await doctor.group();
  if (!group.ok) return [finding, group];
  const places = options.places.map(placeOf).filter((place) => place !== undefined);
  const locations = [...new Set(places.map(({ location }) => location))];
  const findings = [finding, group, await doctor.permissions(), await doctor.subnets(locations)];
  for (const location of locations) {
    findings.push(await doctor.sizes(location, places), await doctor.quota(location));
  }
  return [...findings, await doctor.image(locations[0] ?? '')];
}

async function credentials(options: AzureDoctorOptions): Promise<{ token: string | undefined; finding: AzureFinding }> {
  try {
    const credential = await credentialOf(options);
    if (credential === undefined) {
      return { token: '', finding: well('credentials', `${options.endpoint ?? ''} needs none`) };
    }
    const given = await credential.getToken(`${MANAGEMENT}/.default`);
    if (given === null) throw new Error('they give no token');
    return { token: given.token, finding: well('credentials', 'they give a token') };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const todo =
      'Run on a computer with a managed identity, or with a workload identity (AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE), or run `az login`.';
    return { token: undefined, finding: bad('credentials', message, todo) };
  }
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

class AzureDoctor {
  readonly #options: AzureDoctorOptions;
  readonly #token: string;

  constructor(options: AzureDoctorOptions, token: string) {
    this.#options = options;
    this.#token = token;
  }

  async group(): Promise<AzureFinding> {
    const { resourceGroup, subscription } = this.#options;
    const { status, body } = await this.#ask(this.#inGroup(''), VERSION.resources);
    if (status === 200) return well('group', `${resourceGroup} is there, in ${String(body['location'])}`);
    const found = errorOf(body);
    if (status === 404) {
      const todo = `Run \`az group create --name ${resourceGroup} --location ${this.#options.places[0] ?? ''}\`, or correct EPHEMERA_AZURE_RESOURCE_GROUP and EPHEMERA_AZURE_SUBSCRIPTION.`;
      return bad('group', found, todo);
    }
    if (status === 401 || status === 403) {
      return bad('group', found, `Give these credentials the role of deploy/azure on resource group ${resourceGroup}.`);
    }
    return bad(
      'group',
      found,
      `Look at https://azure.status.microsoft, and at the way from here to subscription ${subscription}.`,
    );
  }

  async permissions(): Promise<AzureFinding> {
    const { rules = AZURE_RULES, resourceGroup } = this.#options;
    const path = this.#inGroup('/providers/Microsoft.Authorization/permissions');
    const { status, body } = await this.#ask(path, VERSION.authorization);
    if (status !== 200) {
      return bad(
        'permissions',
        errorOf(body),
        'Grant Microsoft.Authorization/permissions/read, so that they can be read.',
      );
    }
    const granted = (body['value'] ?? []) as { actions?: string[]; notActions?: string[] }[];
    const wanted = [...GROUP_ACTIONS, ...(rules.externalIp === 'allowed' ? EXTERNAL_IP_ACTIONS : [])];
    const missing = wanted.filter((action) => !granted.some((role) => allows(role, action)));
    if (missing.length === 0) return well('permissions', `all ${wanted.length} are granted`);
    const todo = `Grant them on resource group ${resourceGroup}, for example with the role of deploy/azure.`;
    return bad('permissions', `missing: ${missing.join(', ')}`, todo);
  }

  async subnets(locations: readonly string[]): Promise<AzureFinding> {
    const { rules = AZURE_RULES } = this.#options;
    const without = locations.filter(
      (location) => subnetIn(location, { network: null }, rules, this.#options) === undefined,
    );
    if (without.length > 0) {
      const todo = `Name one in EPHEMERA_AZURE_SUBNETS (${without[0] ?? ''}=VNET/SUBNET), or take the location out of EPHEMERA_AZURE_PLACES.`;
      return bad('subnets', `none is in ${without.join(', ')}`, todo);
    }
    for (const written of rules.subnets) {
      const id = subnetOf(written, this.#options)?.id ?? '';
      const { status, body } = await this.#ask(id, VERSION.network);
      if (status === 200) continue;
      const todo =
        status === 403
          ? `Grant ${NETWORK_ACTIONS.join(', ')} on ${id}.`
          : `Make the subnet ${written}, or name another one in EPHEMERA_AZURE_SUBNETS.`;
      return bad('subnets', errorOf(body), todo);
    }
    return well('subnets', rules.subnets.join(', '));
  }

  /** Whether the size of a machine that asks for little can be had in each place. */
  async sizes(location: string, places: readonly Place[]): Promise<AzureFinding> {
    const { subscription } = this.#options;
    const filter = encodeURIComponent(`location eq '${location}'`);
    const path = `/subscriptions/${subscription}/providers/Microsoft.Compute/skus`;
    const { status, body } = await this.#ask(path, VERSION.skus, `&$filter=${filter}`);
    if (status !== 200) {
      return bad('sizes', errorOf(body), GRANT_LOOK);
    }
    const name = machineSizeOf(SMALLEST);
    const skus = (body['value'] ?? []) as Sku[];
    const sku = skus.find((one) => one.resourceType === 'virtualMachines' && one.name === name);
    const zones = places.filter((place) => place.location === location).map(({ zone }) => zone);
    const missing = zones.filter((zone) => sku === undefined || !isOffered(sku, zone));
    if (missing.length === 0) return well('sizes', `${name} in ${location}`);
    const where = missing.map((zone) => (zone === null ? location : `${location}-${zone}`)).join(', ');
    const todo = `Take ${where} out of EPHEMERA_AZURE_PLACES, or name another machineType in templates; ask Azure for the size if it must be this one.`;
    return bad('sizes', `${name} cannot be had in ${where}`, todo);
  }

  async quota(location: string): Promise<AzureFinding> {
    const { subscription } = this.#options;
    const path = `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${location}/usages`;
    const { status, body } = await this.#ask(path, VERSION.compute);
    if (status !== 200) {
      return bad('quota', errorOf(body), GRANT_LOOK);
    }
    const usages = ((body['value'] ?? []) as Usage[]).filter(({ name }) => QUOTAS.has(name.value));
    const rooms = usages.map(({ name, currentValue, limit }) => `${name.value} ${currentValue} of ${limit}`).join(', ');
    const short = usages.filter(
      ({ name, currentValue, limit }) => limit - currentValue < (QUOTAS.get(name.value) ?? 0),
    );
    if (short.length === 0) return well('quota', `${location}: ${rooms}`);
    const names = short.map(({ name }) => name.value).join(', ');
    return bad(
      'quota',
      `${location}: ${rooms}`,
      `Ask for more of ${names} in ${location} (portal, Quotas), or destroy what is not needed.`,
    );
  }

  async image(location: string): Promise<AzureFinding> {
    const { subscription, image } = this.#options;
    const written = image ?? DEFAULT_IMAGE;
    const { id, publisher, offer, sku, version } = imageReferenceOf(written, this.#options, DEFAULT_IMAGE);
    const market = `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${location}/publishers/${publisher ?? ''}/artifacttypes/vmimage/offers/${offer ?? ''}/skus/${sku ?? ''}/versions`;
    const named = version === 'latest' ? market : `${market}/${version ?? ''}`;
    const ofGallery = id?.toLowerCase().includes('/galleries/') === true;
    const { status, body } = await this.#ask(id ?? named, ofGallery ? VERSION.galleries : VERSION.compute);
    const versions = Array.isArray(body) ? body : body['value'];
    const isThere = status === 200 && !(Array.isArray(versions) && versions.length === 0);
    if (isThere) return well('image', written);
    return bad(
      'image',
      errorOf(body),
      'Name another image in EPHEMERA_AZURE_IMAGE; `az vm image list --all --publisher Canonical --output table` shows what there is.',
    );
  }

  #inGroup(path: string): string {
    const { subscription, resourceGroup } = this.#options;
    return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}${path}`;
  }

  /** An answer that never comes has status 0. */
  async #ask(path: string, version: string, more = ''): Promise<Answer> {
    const url = `${this.#options.endpoint ?? MANAGEMENT}${path}?api-version=${version}${more}`;
    try {
      const response = await fetch(url, {
        headers: this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { status: 0, body: { error: { message: `${url} does not answer: ${why}` } } };
    }
  }
}

interface Sku {
  resourceType?: string;
  name?: string;
  locationInfo?: { zones?: string[] }[];
  restrictions?: { type?: string; restrictionInfo?: { zones?: string[] } }[];
}

interface Usage {
  name: { value: string };
  currentValue: number;
  limit: number;
}

const QUOTAS: ReadonlyMap<string, number> = new Map([
  ['cores', CORES],
  ['virtualMachines', 1],
  ['standardBsv2Family', CORES],
]);

function isOffered({ locationInfo, restrictions = [] }: Sku, zone: string | null): boolean {
  if (restrictions.some(({ type }) => type === 'Location')) return false;
  if (zone === null) return true;
  const restricted = restrictions.flatMap(({ restrictionInfo }) => restrictionInfo?.zones ?? []);
  return (locationInfo?.[0]?.zones ?? []).includes(zone) && !restricted.includes(zone);
}

/** Roles name actions with `*` for any part. */
function allows(
  { actions = [], notActions = [] }: { actions?: string[]; notActions?: string[] },
  action: string,
): boolean {
  const names = (pattern: string): boolean =>
    new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'i').test(action);
  return actions.some(names) && !notActions.some(names);
}

function errorOf(body: Record<string, unknown>): string {
  const { code = '', message = 'no message' } = (body['error'] ?? {}) as { code?: string; message?: string };
  return code === '' ? message : `${code}: ${message}`;
}

function well(check: AzureFinding['check'], found: string): AzureFinding {
  return { check, ok: true, found, todo: '' };
}

function bad(check: AzureFinding['check'], found: string, todo: string): AzureFinding {
  return { check, ok: false, found, todo };
}
