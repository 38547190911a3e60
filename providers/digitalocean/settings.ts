import { z } from 'zod';
import { setting, type Known, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { httpUrl, list, oneOf, text } from '../../lib/settings/values.ts';
import type { ProviderSettings, SettingsOfTheApi } from '../descriptor.ts';
import { DIGITALOCEAN_RULES, EXTERNAL_IP_RULES, VPC } from './rules.ts';

const region = z.string().refine((value) => /^[a-z]{3}\d$/.test(value), {
  error: ({ input }) => `"${String(input)}" is no region; one looks like nyc3`,
});
const size = z.string().refine((value) => /^[a-z*][a-z0-9*-]{0,62}$/.test(value), {
  error: ({ input }) => `"${String(input)}" is no size or pattern such as s-*`,
});
const vpc = z.string().refine((value) => VPC.test(value), {
  error: ({ input }) => `"${String(input)}" is no VPC; write REGION=UUID`,
});
const sshKey = z.string().refine((value) => /^(\d{1,12}|[0-9a-f]{2}(:[0-9a-f]{2}){15})$/.test(value), {
  error: ({ input }) => `"${String(input)}" is neither the id nor the fingerprint of an SSH key of your account`,
});

const endpoint = setting(httpUrl, { about: 'another DigitalOcean endpoint; http:// means without a token' });

const TREE = {
  tokenFile: setting(text, {
    about: 'file with the token of DigitalOcean; else the variable DIGITALOCEAN_TOKEN of the worker',
    path: true,
  }),
  regions: setting(list(region, 1), { about: 'regions in the order to try', default: [], shownDefault: 'nyc3' }),
  /** What specs may ask for. */
  rules: {
    vpcs: setting(list(vpc, 1), {
      key: 'digitaloceanVpcs',
      about: 'VPCs that machines may be in, as REGION=UUID, the default one of each region first',
      default: [...DIGITALOCEAN_RULES.vpcs],
      shownDefault: "the account's default VPC of each region",
    }),
    externalIp: setting(oneOf(EXTERNAL_IP_RULES), {
      key: 'digitaloceanExternalIp',
      about: 'never, allowed or reserved: whether machines may have an address on the internet, and of which kind',
      default: DIGITALOCEAN_RULES.externalIp,
    }),
    sizes: setting(list(size, 1), {
      key: 'digitaloceanSizes',
      about: 'sizes that may be used, as slugs or patterns: s-*, c-2',
      default: [...DIGITALOCEAN_RULES.sizes],
    }),
  },
  /** Without one DigitalOcean makes a root password and sends it by mail. */
  sshKeys: setting(list(sshKey, 1), {
    about: 'ids or fingerprints of SSH keys of the account that get into each machine',
    default: [],
  }),
  /** What `vm-server` begins with. */
  image: setting(
    text.refine((value) => /^[a-z0-9][a-z0-9.-]{0,80}$/.test(value), { error: 'must be a slug or the id of an image' }),
    { about: 'slug or id of the image that vm-server is put on', default: 'ubuntu-24-04-x64' },
  ),
  endpoint,
  /** Where machines fetch vm-server; `none` where their images have it; null: from the API. */
  vmServerUrl: setting(httpUrl.or(z.literal('none')), {
    about: 'where machines fetch vm-server, else the API; none: their images have it',
  }),
} satisfies SettingTree;

export type DigitalOceanSettings = ValuesOf<typeof TREE>;

export const DIGITALOCEAN_SETTINGS: ProviderSettings = { tree: TREE, onlyWhenOffered: true, contradictions };

/** A server of one's own wants no token, and reaches this computer. */
function contradictions({ written }: Known, api: SettingsOfTheApi): string[] {
  if (written(endpoint)?.startsWith('http://') || written(api.url) !== undefined) return [];
  return ['EPHEMERA_API_URL: machines of the provider digitalocean need an address of the API'];
}
