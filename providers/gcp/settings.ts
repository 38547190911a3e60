import { z } from 'zod';
import { EXTERNAL_IP_RULES, GCP_RULES, networkPathOf } from './rules.ts';
import { setting, type Known, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { httpUrl, list, oneOf, text } from '../../lib/settings/values.ts';
import type { ProviderSettings, SettingsOfTheApi } from '../descriptor.ts';

const network = z.string().refine((value) => networkPathOf(value) !== undefined, {
  error: ({ input }) => `"${String(input)}" is no network; write NAME, or the path of a network or subnetwork`,
});
const machineType = z.string().refine((value) => /^[a-z*][a-z0-9*-]{0,62}$/.test(value), {
  error: ({ input }) => `"${String(input)}" is no machine type or pattern such as e2-*`,
});

const project = setting(text, { about: 'Google Cloud project' });
const networks = setting(list(network, 1), {
  key: 'gcpNetworks',
  about: 'networks and subnetworks that machines may be in, the default one first',
  default: [...GCP_RULES.networks],
  shownDefault: 'none for the real Compute Engine',
});
const endpoint = setting(httpUrl, { about: 'another Compute Engine endpoint; http:// means without credentials' });

const TREE = {
  project,
  zones: setting(list(text, 1), { about: 'zones in the order to try', default: [], shownDefault: 'us-central1-a' }),
  /** What specs may ask for. */
  rules: {
    networks,
    externalIp: setting(oneOf(EXTERNAL_IP_RULES), {
      key: 'gcpExternalIp',
      about: 'never, or allowed: whether machines may have an address on the internet',
      default: GCP_RULES.externalIp,
    }),
    machineTypes: setting(list(machineType, 1), {
      key: 'gcpMachineTypes',
      about: 'machine types that may be used, as names or patterns: e2-*, n2-standard-4',
      default: [...GCP_RULES.machineTypes],
    }),
  },
  endpoint,
  /** Service account without roles that machines prove themselves with; null: a one-time secret in their metadata. */
  serviceAccount: setting(
    text.refine((value) => /^[^@\s]+@[^@\s]+$/.test(value), { error: "must be a service account's email" }),
    { about: 'service account without roles that machines prove themselves with' },
  ),
  diskType: setting(
    text.refine((value) => /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(value), {
      error: 'must be a disk type such as pd-balanced',
    }),
    { about: 'disk type of machines, for example pd-balanced, pd-ssd or hyperdisk-balanced', default: 'pd-balanced' },
  ),
  /** Where machines fetch vm-server; `none` where their images have it; null: from the API. */
  vmServerUrl: setting(httpUrl.or(z.literal('none')), {
    about: 'where machines fetch vm-server, else the API; none: their images have it',
  }),
} satisfies SettingTree;

export type GcpSettings = ValuesOf<typeof TREE>;

export const GCP_SETTINGS: ProviderSettings = { tree: TREE, onlyWhenOffered: true, contradictions };

/** A server of one's own needs no credentials, so it has a project of any name and reaches this computer. */
function contradictions({ written }: Known, api: SettingsOfTheApi): string[] {
  if (written(endpoint)?.startsWith('http://')) return [];
  const found: string[] = [];
  if (written(project) === undefined) {
    found.push('EPHEMERA_GCP_PROJECT: the provider gcp needs the project to make machines in');
  }
  if (written(api.url) === undefined) {
    found.push('EPHEMERA_API_URL: machines of the provider gcp need an address of the API');
  }
  if (written(networks) === undefined) {
    found.push(
      'EPHEMERA_GCP_NETWORKS: machines of the provider gcp need a network; name one whose firewall you know, such as the output `network` of deploy/gcp',
    );
  }
  return found;
}
