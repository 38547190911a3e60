import { describe, expect, it } from 'vitest';
import { requireRightHost } from '../../../../activities/machine/order/right-host.ts';
import { placeOf } from '../../../../domain/machine/place.ts';
import type { MachineProvider } from '../../../../domain/machine/provider.ts';

const facts = { machineId: 'm-1', provider: 'qemu', host: 'rack-1', zone: null, address: null };

describe('the place of a machine', () => {
  it('is what its create said', () => {
    const queue = 'control.machines.qemu.host.rack-7';
    expect(placeOf({ ...facts, queue }, 'control')).toEqual({ queue, host: 'rack-1', zone: null });
  });

  it('is its host, where it was made before creates said a place', () => {
    expect(placeOf(facts, 'control').queue).toBe('control.machines.qemu.host.rack-1');
  });

  it('is the provider, where it was made before and no host has it', () => {
    const cloud = { ...facts, provider: 'gcp', host: null, zone: 'europe-west3-a' };
    expect(placeOf(cloud, 'control')).toEqual({ queue: 'control.machines.gcp', host: null, zone: 'europe-west3-a' });
  });
});

describe('a host that is asked for a machine on a queue of all hosts', () => {
  const answer = (known: string[], otherHost: string | undefined): Promise<void> => {
    const describe = (machineId: string): Promise<unknown> =>
      Promise.resolve(known.includes(machineId) ? { machineId } : undefined);
    const provider = { describe } as unknown as MachineProvider;
    const otherHostOf = (): Promise<string | undefined> => Promise.resolve(otherHost);
    const context = { workflowId: 'vm/default/lobby', signal: new AbortController().signal };
    return requireRightHost({ provider, otherHostOf }, 'm-1', context);
  };

  it('answers for a machine that it knows, wherever its VM is said to be', async () => {
    await answer(['m-1'], 'rack-2');
  });

  it('answers for one that it does not know, when no other host has its VM', async () => {
    await answer([], undefined);
  });

  it('never says that a machine is gone which another host has', async () => {
    await expect(answer([], 'rack-2')).rejects.toMatchObject({ code: 'otherHost', terminal: false });
  });
});
