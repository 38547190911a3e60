import { latestFirst, type ImageCopy } from '../../domain/machine/image-copies.ts';
import type { KnownHost } from '../hosts/host-directory.ts';
import type { ApiMachineImage } from '../schemas/machine-image.ts';

type Version = ApiMachineImage['versions'][number];

/** What hosts say that they have, put together by name. */
export function machineImages(hosts: readonly Pick<KnownHost, 'host' | 'copies'>[]): ApiMachineImage[] {
  const names = new Map<
    string,
    { provider: string; name: string; copies: { copy: ImageCopy; host: Version['hosts'][number] }[] }
  >();
  for (const { host, copies } of hosts) {
    for (const copy of copies) {
      const key = `${copy.name} ${copy.provider}`;
      const of = names.get(key) ?? { provider: copy.provider, name: copy.name, copies: [] };
      names.set(key, of);
      const { origin, machines } = copy;
      of.copies.push({ copy, host: { host: host.id, state: host.state, origin, machines } });
    }
  }
  const keys = [...names.keys()].sort();
  return keys.flatMap((key) => {
    const of = names.get(key);
    if (of === undefined) return [];
    const versions = versionsOf(of.copies);
    const [latest] = versions;
    return latest === undefined ? [] : [{ name: of.name, provider: of.provider, latest: latest.version, versions }];
  });
}

function versionsOf(copies: readonly { copy: ImageCopy; host: Version['hosts'][number] }[]): Version[] {
  const versions = new Map<string, Version>();
  // The first one of a version says when it was registered last.
  for (const { copy, host } of [...copies].sort((a, b) => latestFirst(a.copy, b.copy))) {
    const { version, kind, sha256, bytes: sizeBytes, diskGb, addedAt, url } = copy;
    const known = versions.get(version);
    if (known !== undefined) known.hosts.push(host);
    else {
      const about = { version, kind, sha256, sizeBytes, diskGb, addedAt, hosts: [host] };
      versions.set(version, { ...about, ...(url === undefined ? {} : { url }) });
    }
  }
  return [...versions.values()];
}
