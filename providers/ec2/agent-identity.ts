/** How agents of instances prove themselves: by what Amazon signs, where its certificates are given, else by a one-time secret. */
import { readFileSync } from 'node:fs';
import { setting, type SettingTree } from '../../lib/settings/setting.ts';
import { text } from '../../lib/settings/values.ts';
import { serverNameOf } from '../cloud/resource-names.ts';
import type { AgentIdentity, InstanceVerifier } from '../descriptor.ts';

/** Part of the provider's settings. */
export const IDENTITY_TREE = {
  certificates: setting(text, {
    key: 'ec2IdentityCertificates',
    about: "file with Amazon's RSA-2048 certificates of the region, by which instances prove themselves",
    shownDefault: 'none: a one-time secret instead',
  }),
  account: setting(
    text.refine((value) => /^\d{12}$/.test(value), { error: 'must be 12 digits' }),
    {
      key: 'ec2Account',
      about: 'account whose instances are believed',
      shownDefault: 'any: an instance must be that of its machine',
    },
  ),
} satisfies SettingTree;

interface Ec2IdentitySettings {
  region: string | null;
  vmServerUrl: string | null;
  identity: { certificates: string | null; account: string | null };
}

/** `ownRegion`: of a server of one's own, where no other is set. */
export const ec2AgentIdentity = (ownRegion: string): AgentIdentity<Ec2IdentitySettings> => ({
  link: () => 'http',
  programUrl: ({ vmServerUrl }) => vmServerUrl,
  instances: {
    proofWord: 'ec2',
    documentsName: 'id',
    isUsed: ({ identity }) => identity.certificates !== null,
    instanceName: serverNameOf,
    verifier: ({ region, identity: { certificates, account } }) =>
      certificates === null ? null : lazyVerifier(certificates, region ?? ownRegion, account),
  },
});

/** Loaded with the first proof. A file that cannot be read then is read anew with the next one. */
function lazyVerifier(file: string, region: string, account: string | null): InstanceVerifier {
  let loaded: InstanceVerifier | undefined;
  return {
    verify: async (token, expected, nowMs) => {
      loaded ??= await load(file, region, account);
      return loaded.verify(token, expected, nowMs);
    },
  };
}

async function load(file: string, region: string, account: string | null): Promise<InstanceVerifier> {
  const { certificatesIn } = await import('../cloud/certificate-chain.ts');
  const { Ec2IdentityVerifier } = await import('./instance-identity.ts');
  return new Ec2IdentityVerifier({ certificates: certificatesIn(readFileSync(file, 'utf8')), region, account });
}
