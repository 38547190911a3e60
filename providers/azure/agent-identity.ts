/** How agents of VMs prove themselves: by what Azure attests, where authorities are given, else by a one-time secret. */
import { readFileSync } from 'node:fs';
import { setting, type SettingTree } from '../../lib/settings/setting.ts';
import { text } from '../../lib/settings/values.ts';
import { serverNameOf } from '../cloud/resource-names.ts';
import type { AgentIdentity, InstanceVerifier } from '../descriptor.ts';
import type { AzureIdentityOptions } from './instance-identity.ts';

/** Part of the provider's settings. */
export const IDENTITY_TREE = {
  authorities: setting(text, {
    key: 'azureIdentityAuthorities',
    about:
      'file with the certificates of the authorities that Azure has for metadata.azure.com, by which VMs prove themselves',
    shownDefault: 'none: a one-time secret instead',
  }),
} satisfies SettingTree;

interface AzureIdentitySettings {
  subscription: string | null;
  vmServerUrl: string | null;
  identity: { authorities: string | null };
}

/** `ownServer`: subscription of a server of one's own, where no other is set. */
export const azureAgentIdentity = (ownServer: string): AgentIdentity<AzureIdentitySettings> => ({
  link: () => 'http',
  programUrl: ({ vmServerUrl }) => vmServerUrl,
  instances: {
    proofWord: 'azure',
    documentsName: 'id',
    isUsed: ({ identity }) => identity.authorities !== null,
    instanceName: serverNameOf,
    verifier: ({ subscription, identity: { authorities } }, { audience }) =>
      authorities === null ? null : lazyVerifier(authorities, { subscription: subscription ?? ownServer, audience }),
  },
});

/** Loaded with the first proof. A file that cannot be read then is read anew with the next one. */
function lazyVerifier(file: string, options: Omit<AzureIdentityOptions, 'authorities'>): InstanceVerifier {
  let loaded: InstanceVerifier | undefined;
  return {
    verify: async (token, expected, nowMs) => {
      loaded ??= await load(file, options);
      return loaded.verify(token, expected, nowMs);
    },
  };
}

async function load(file: string, options: Omit<AzureIdentityOptions, 'authorities'>): Promise<InstanceVerifier> {
  const { certificatesIn } = await import('../cloud/certificate-chain.ts');
  const { AzureIdentityVerifier } = await import('./instance-identity.ts');
  return new AzureIdentityVerifier({ ...options, authorities: certificatesIn(readFileSync(file, 'utf8')) });
}
