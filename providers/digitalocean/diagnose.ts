/** What a deployment on DigitalOcean needs, asked of the cloud itself; each finding says what to do about it. */
import type { DiagnosisParts, Finding } from '../descriptor.ts';
import { CallBudget } from '../call-budget.ts';
import type { CallSettings } from '../cloud/api-calls.ts';
import { CloudFailure } from '../cloud/cloud-failure.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { DigitalOceanCalls } from './calls/digitalocean-calls.ts';
import { digitalOceanClient } from './calls/digitalocean-client.ts';
import type { DropletResource, ImageResource } from './calls/digitalocean-api.ts';
import { deploymentTag } from './droplet/droplet-tags.ts';
import { DEFAULT_REGIONS } from './place.ts';
import { vpcOf } from './rules.ts';
import type { DigitalOceanSettings } from './settings.ts';
import { SIZES } from './sizes.ts';
import { tokenOf } from './token.ts';

interface Account {
  droplet_limit: number;
  status: string;
  status_message?: string;
}

interface Region {
  slug: string;
  available: boolean;
  sizes: string[];
}

/** Asks everything that can be asked; what a missing answer makes senseless is left out. */
export async function diagnose({ own, deployment }: DiagnosisParts<DigitalOceanSettings>): Promise<Finding[]> {
  let token: string | null;
  try {
    token = await tokenOf(own);
  } catch (error) {
    const todo = 'Make a token at https://cloud.digitalocean.com/account/api/tokens and give it to the worker.';
    return [bad('token', error instanceof ProviderError ? error.message : 'it cannot be read', todo)];
  }
  const budget = new CallBudget({ rate: { callsPerSecond: 10, burst: 50, reservedForDestroys: 0 } });
  const backOff = { firstMs: 500, mostMs: 2000, budgetMs: 5000 };
  const calls = new DigitalOceanCalls(() => digitalOceanClient({ token, endpoint: own.endpoint }), budget, backOff);
  return new DigitalOceanDoctor(calls, own, deployment).findings();
}

class DigitalOceanDoctor {
  readonly #calls: DigitalOceanCalls;
  readonly #own: DigitalOceanSettings;
  readonly #deployment: string;
  readonly #settings: CallSettings = { purpose: 'ongoing', signal: new AbortController().signal };

  constructor(calls: DigitalOceanCalls, own: DigitalOceanSettings, deployment: string) {
    this.#calls = calls;
    this.#own = own;
    this.#deployment = deployment;
  }

  async findings(): Promise<Finding[]> {
    const token = await this.#token();
    if (!token.finding.ok) return [token.finding];
    const parts = [this.#regions(), this.#droplets(token.account), this.#image(), this.#vpcs()];
    return [token.finding, ...(await Promise.all(parts)).flat()];
  }

  async #token(): Promise<{ finding: Finding; account: Account | undefined }> {
    try {
      const { account } = await this.#calls.make<{ account: Account }>(this.#settings, (v2, config) =>
        v2.account.get(config),
      );
      if (account.status === 'active') return { finding: well('token', 'DigitalOcean takes it'), account };
      const found = `the account is ${account.status}: ${account.status_message ?? ''}`;
      return { finding: bad('token', found, 'Settle that at https://cloud.digitalocean.com/account.'), account };
    } catch (error) {
      const todo = isPermission(error)
        ? 'Give the worker a token that is valid and may read the account (scope account:read).'
        : 'Look at https://status.digitalocean.com, and at the network between here and DigitalOcean.';
      return { finding: bad('token', messageOf(error), todo), account: undefined };
    }
  }

  async #regions(): Promise<Finding[]> {
    const wanted = this.#own.regions.length > 0 ? this.#own.regions : DEFAULT_REGIONS;
    try {
      const all = await this.#calls.all<Region>(this.#settings, 'regions', (v2, config, page) =>
        v2.regions.get({ ...config, queryParameters: page }),
      );
      return wanted.flatMap((slug) =>
        this.#region(
          slug,
          all.find((one) => one.slug === slug),
        ),
      );
    } catch (error) {
      return [bad('regions', messageOf(error), 'Give the token the scope regions:read.')];
    }
  }

  #region(slug: string, region: Region | undefined): Finding[] {
    const todo = `Take ${slug} out of EPHEMERA_DIGITALOCEAN_REGIONS.`;
    if (region === undefined) return [bad('regions', `there is no region ${slug}`, todo)];
    if (!region.available) return [bad('regions', `no new droplets are made in ${slug}`, todo)];
    const sizes = SIZES.filter((size) => this.#isAllowed(size.slug));
    const missing = sizes.filter((size) => !region.sizes.includes(size.slug)).map((size) => size.slug);
    if (missing.length === 0) return [well('regions', `${slug} takes new droplets of all ${sizes.length} sizes`)];
    const text = `${slug} has no ${missing.join(', ')} now: droplets of these are made in the next region`;
    return [missing.length < sizes.length ? well('regions', text) : bad('regions', text, todo)];
  }

  #isAllowed(slug: string): boolean {
    return this.#own.rules.sizes.some((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(slug));
  }

  async #droplets(account: Account | undefined): Promise<Finding[]> {
    try {
      const all = await this.#calls.all<DropletResource>(this.#settings, 'droplets', (v2, config, page) =>
        v2.droplets.get({ ...config, queryParameters: page }),
      );
      const ours = all.filter(({ tags }) => tags.includes(deploymentTag(this.#deployment))).length;
      const limit = account?.droplet_limit ?? 0;
      const found = `${all.length} of ${limit} droplets, ${ours} of them of this deployment`;
      if (all.length < limit) return [well('droplets', found)];
      const todo = 'Ask DigitalOcean for a higher limit (Settings, Resource limits), or destroy what is not needed.';
      return [bad('droplets', found, todo)];
    } catch (error) {
      return [bad('droplets', messageOf(error), 'Give the token the scopes droplet:read and tag:read.')];
    }
  }

  async #image(): Promise<Finding[]> {
    const { image } = this.#own;
    try {
      const all = await this.#calls.all<ImageResource & { slug: string | null }>(
        this.#settings,
        'images',
        (v2, config, page) => v2.images.get({ ...config, queryParameters: page }),
      );
      const found = all.find(({ id, slug }) => slug === image || String(id) === image);
      if (found !== undefined) return [well('image', `${image} is ${found.name}`)];
      const todo = 'Set EPHEMERA_DIGITALOCEAN_IMAGE to the slug or id of an image that there is.';
      return [bad('image', `there is no image ${image}`, todo)];
    } catch (error) {
      return [bad('image', messageOf(error), 'Give the token the scope image:read.')];
    }
  }

  async #vpcs(): Promise<Finding[]> {
    const { vpcs } = this.#own.rules;
    const findings = await Promise.all(vpcs.map((text) => this.#vpc(vpcOf(text))));
    return vpcs.length > 0 ? findings : [well('vpcs', "machines are in the account's default VPC of their region")];
  }

  async #vpc({ region, uuid }: { region: string; uuid: string }): Promise<Finding> {
    const todo = `Correct EPHEMERA_DIGITALOCEAN_VPCS: name a VPC of ${region}, or give the token the scope vpc:read.`;
    try {
      const { vpc } = await this.#calls.make<{ vpc: { name: string; region: string } }>(this.#settings, (v2, config) =>
        v2.vpcs.byVpc_id(uuid).get(config),
      );
      if (vpc.region === region) return well('vpcs', `${uuid} is ${vpc.name} in ${region}`);
      return bad('vpcs', `${uuid} is in ${vpc.region}, not in ${region}`, todo);
    } catch (error) {
      return bad('vpcs', `${uuid}: ${messageOf(error)}`, todo);
    }
  }
}

function isPermission(error: unknown): boolean {
  return error instanceof CloudFailure && error.kind === 'permission';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'no answer';
}

function well(check: string, found: string): Finding {
  return { check, ok: true, found, todo: '' };
}

function bad(check: string, found: string, todo: string): Finding {
  return { check, ok: false, found, todo };
}
