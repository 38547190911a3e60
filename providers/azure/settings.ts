import { z } from 'zod';
import { setting, type Known, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { httpUrl, list, oneOf, text } from '../../lib/settings/values.ts';
import type { ProviderSettings, SettingsOfTheApi } from '../descriptor.ts';
import { IDENTITY_TREE } from './agent-identity.ts';
import { isImageReference } from './machine/image-reference.ts';
import { OWN_SERVER, placeOf } from './place.ts';
import { AZURE_RULES, EXTERNAL_IP_RULES, subnetOf } from './rules.ts';

const checked = (isGood: (value: string) => boolean, what: string) =>
  z.string().refine(isGood, { error: ({ input }) => `"${String(input)}" is no ${what}` });
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SECURITY_GROUP =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/networkSecurityGroups\/[^/]+$/i;

const guid = (what: string) => checked((value) => GUID.test(value), what);
const place = checked(
  (value) => placeOf(value) !== undefined,
  'location such as eastus, or zone of one such as eastus-2',
);
const subnet = checked(
  (value) => subnetOf(value, OWN_SERVER) !== undefined,
  'subnet; write VNET/SUBNET, GROUP/VNET/SUBNET or its id, with LOCATION= before it where there are several',
);
const size = checked(
  (value) => /^[A-Za-z*][A-Za-z0-9*_-]{0,62}$/.test(value),
  'VM size or pattern such as Standard_D*s_v5',
);
const securityGroup = checked((value) => SECURITY_GROUP.test(value), 'id of a network security group');

const subscription = setting(guid('id of a subscription'), {
  about: 'subscription that machines are made in, by its id',
});
const resourceGroup = setting(
  text.refine((value) => /^[\w().-]{1,89}[\w()-]$|^[\w()-]$/.test(value), {
    error: 'must be the name of a resource group',
  }),
  { about: 'resource group of the machines of this deployment and of nothing else; it must exist' },
);
const subnets = setting(list(subnet, 1), {
  key: 'azureSubnets',
  about: 'subnets that machines may be in, the default one first: VNET/SUBNET, GROUP/VNET/SUBNET or its id',
  default: [...AZURE_RULES.subnets],
  shownDefault: 'none for the real Azure',
});
const endpoint = setting(httpUrl, { about: 'another Resource Manager endpoint; http:// means without credentials' });

const TREE = {
  subscription,
  resourceGroup,
  places: setting(list(place, 1), {
    about: 'locations, or zones of them, in the order to try: eastus-1,eastus-2,westus3',
    default: [],
    shownDefault: 'eastus',
  }),
  /** What specs may ask for. */
  rules: {
    subnets,
    externalIp: setting(oneOf(EXTERNAL_IP_RULES), {
      key: 'azureExternalIp',
      about: 'never, or allowed: whether machines may have an address on the internet',
      default: AZURE_RULES.externalIp,
    }),
    machineTypes: setting(list(size, 1), {
      key: 'azureMachineTypes',
      about: 'VM sizes that may be used, as names or patterns: Standard_B*_v2, Standard_D4s_v5',
      default: [...AZURE_RULES.machineTypes],
    }),
  },
  /** Of machines that may reach nothing but the API, and of those with egress; null: what their subnet has. */
  securityGroup: setting(securityGroup, { about: 'id of the network security group of machines without egress' }),
  egressSecurityGroup: setting(securityGroup, { about: 'id of the network security group of machines with egress' }),
  endpoint,
  /** How machines prove themselves. */
  identity: IDENTITY_TREE,
  image: setting(text.refine(isImageReference, { error: 'must be PUBLISHER:OFFER:SKU:VERSION, a name or an id' }), {
    about: 'what the image vm-server and containers run on: PUBLISHER:OFFER:SKU:VERSION, NAME or an id',
    shownDefault: "Canonical's minimal Ubuntu",
  }),
  diskType: setting(
    text.refine((value) => /^(Standard|StandardSSD|Premium|PremiumV2)_(LRS|ZRS)$/.test(value), {
      error: 'must be a disk type such as StandardSSD_LRS',
    }),
    { about: 'disk type of machines, for example StandardSSD_LRS or Premium_LRS', default: 'StandardSSD_LRS' },
  ),
  workerIdentity: setting(guid('client id'), {
    about: 'client id of the managed identity of workers, where their computer has several',
  }),
  /** Where machines fetch vm-server; `none` where their images have it; null: from the API. */
  vmServerUrl: setting(httpUrl.or(z.literal('none')), {
    about: 'where machines fetch vm-server, else the API; none: their images have it',
  }),
} satisfies SettingTree;

export type AzureSettings = ValuesOf<typeof TREE>;

export const AZURE_SETTINGS: ProviderSettings = { tree: TREE, onlyWhenOffered: true, contradictions };

/** A server of one's own needs no credentials, has a resource group of its own, and reaches this computer. */
function contradictions({ written }: Known, api: SettingsOfTheApi): string[] {
  if (written(endpoint)?.startsWith('http://') === true) return [];
  const found: string[] = [];
  if (written(subscription) === undefined) {
    found.push('EPHEMERA_AZURE_SUBSCRIPTION: the provider azure needs the subscription to make machines in');
  }
  if (written(resourceGroup) === undefined) {
    found.push('EPHEMERA_AZURE_RESOURCE_GROUP: the provider azure needs a resource group for this deployment alone');
  }
  if (written(subnets) === undefined) {
    found.push('EPHEMERA_AZURE_SUBNETS: machines of the provider azure need a subnet; name one whose rules you know');
  }
  if (written(api.url) === undefined) {
    found.push('EPHEMERA_API_URL: machines of the provider azure need an address of the API');
  }
  return found;
}
