import { networkInterfaces } from 'node:os';
import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { Settings } from '../../../config/settings.ts';
import { hostView } from '../../../domain/host/view.ts';
import { newHost } from '../../../domain/host/state.ts';
import { hostWorkflowId, MEMO } from '../../../domain/wire-names.ts';
import { refuseForeignAddresses } from '../../../worker/host/host-addresses.ts';

const QUEUE = 'ephemera';
const settings = (addresses: string[]): Settings =>
  ({ hostId: 'here', host: { addresses }, temporal: { controlTaskQueue: QUEUE } }) as unknown as Settings;

/** A registry with one host, which gives its machines these addresses. */
function registryWith(hostId: string, addresses: string[], name: 'present' | 'lost' = 'present'): Client {
  const host = newHost(hostId, 0);
  const presence = name === 'lost' ? { name, since: 0, released: false } : { name, since: 0 };
  const memo = { [MEMO.host]: hostView({ ...host, presence, facts: { ...host.facts, addresses } }) };
  // eslint-disable-next-line @typescript-eslint/require-await -- as Temporal's client answers
  const list = async function* () {
    yield { memo, workflowId: hostWorkflowId(hostId, QUEUE) };
  };
  return { workflow: { list } } as unknown as Client;
}

const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe('a host that gives its machines addresses of a range', () => {
  it('does not start where the range is not on this computer', async () => {
    await expect(refuseForeignAddresses(settings(['203.0.113.248/30']), registryWith('there', []))).rejects.toThrow(
      /EPHEMERA_HOST_ADDRESSES: 203\.0\.113\.\d+ of 203\.0\.113\.248\/30 is not on this computer.*ip route add local/,
    );
  });

  it.skipIf(own === undefined)(
    'does not start where another host has part of it, unless that one is lost',
    async () => {
      const ours = settings([own!]);
      const refusal = refuseForeignAddresses(ours, registryWith('there', [`${own!}/32`]));
      await expect(refusal).rejects.toThrow(`which the host there gives to its machines`);
      for (const registry of [
        registryWith('there', ['198.51.100.0/24']),
        registryWith('there', [own!], 'lost'),
        registryWith('here', [own!]),
      ]) {
        await expect(refuseForeignAddresses(ours, registry)).resolves.toBeUndefined();
      }
    },
  );
});
