import { z } from 'zod';
import { setting, type Known, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { httpUrl, list, map, oneOf, text } from '../../lib/settings/values.ts';
import type { ProviderSettings, SettingsOfTheApi } from '../descriptor.ts';
import { IDENTITY_TREE } from './agent-identity.ts';
import { isImageReference } from './machine/image-reference.ts';
import { EC2_RULES, EXTERNAL_IP_RULES } from './rules.ts';

const matching = (pattern: RegExp, what: string) =>
  z.string().refine((value) => pattern.test(value), { error: ({ input }) => `"${String(input)}" is no ${what}` });
const ZONE = matching(/^[a-z]{2}(-[a-z]+)+-\d+[a-z]$/, 'zone such as eu-central-1a');
const SUBNET = matching(/^subnet-[0-9a-f]{8,17}$/, 'subnet such as subnet-0123456789abcdef0');
const GROUP = matching(/^sg-[0-9a-f]{8,17}$/, 'security group such as sg-0123456789abcdef0');
const TYPE = matching(/^[a-z*][a-z0-9.*-]{0,62}$/, 'instance type or pattern such as t3.*');
const REGION = matching(/^[a-z]{2}(-[a-z]+)+-\d+$/, 'region such as eu-central-1');

const region = setting(REGION, { about: 'region that machines are made in' });
const subnets = setting(map(ZONE, SUBNET), {
  key: 'ec2Subnets',
  about: 'subnet of each zone, in the order to try: eu-central-1a=subnet-…,eu-central-1b=subnet-…',
  default: {},
});
const securityGroups = setting(list(GROUP, 1), {
  key: 'ec2SecurityGroups',
  about: 'security groups of every machine',
  default: [],
});
const endpoint = setting(httpUrl, { about: 'another EC2 endpoint; http:// means without credentials' });

const TREE = {
  region,
  /** What specs may ask for. */
  rules: {
    subnets,
    securityGroups,
    egressSecurityGroups: setting(list(GROUP, 1), {
      key: 'ec2EgressSecurityGroups',
      about: 'security groups that machines with egress have beside those',
      default: [],
    }),
    externalIp: setting(oneOf(EXTERNAL_IP_RULES), {
      key: 'ec2ExternalIp',
      about: 'never, or allowed: whether machines may have an address on the internet',
      default: EC2_RULES.externalIp,
    }),
    machineTypes: setting(list(TYPE, 1), {
      key: 'ec2MachineTypes',
      about: 'instance types that may be used, as names or patterns: t3.*, m6i.large',
      default: [...EC2_RULES.machineTypes],
    }),
  },
  endpoint,
  identity: IDENTITY_TREE,
  image: setting(text.refine(isImageReference, { error: 'must be ami-…, family/NAME or OWNER/NAME' }), {
    about: 'what the image vm-server and containers run on: ami-…, family/NAME or OWNER/NAME with * in it',
    shownDefault: "Canonical's minimal Ubuntu",
  }),
  instanceProfile: setting(
    text.refine((value) => /^[\w+=,.@-]{1,128}$/.test(value), { error: 'must be a name' }),
    {
      about: 'instance profile of machines; whatever its role may do, every program in a machine may',
      shownDefault: 'none',
    },
  ),
  volumeType: setting(oneOf(['gp3', 'gp2', 'io1', 'io2', 'st1', 'sc1', 'standard'] as const), {
    about: 'type of the volumes of machines',
    default: 'gp3',
  }),
  /** Where machines fetch vm-server; `none` where their images have it; null: from the API. */
  vmServerUrl: setting(httpUrl.or(z.literal('none')), {
    about: 'where machines fetch vm-server, else the API; none: their images have it',
  }),
} satisfies SettingTree;

export type Ec2Settings = ValuesOf<typeof TREE>;

export const EC2_SETTINGS: ProviderSettings = { tree: TREE, onlyWhenOffered: true, contradictions };

/** A server of one's own needs no credentials, has default subnets, and reaches this computer. */
function contradictions({ written }: Known, api: SettingsOfTheApi): string[] {
  if (written(endpoint)?.startsWith('http://')) return [];
  const found: string[] = [];
  if (written(region) === undefined)
    found.push('EPHEMERA_EC2_REGION: the provider ec2 needs the region to make machines in');
  if (written(subnets) === undefined) {
    found.push('EPHEMERA_EC2_SUBNETS: machines of the provider ec2 need a subnet; name one for each zone');
  }
  if (written(securityGroups) === undefined) {
    found.push('EPHEMERA_EC2_SECURITY_GROUPS: machines of the provider ec2 need a security group whose rules you know');
  }
  if (written(api.url) === undefined) {
    found.push('EPHEMERA_API_URL: machines of the provider ec2 need an address of the API');
  }
  return found;
}
