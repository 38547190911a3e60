import { describe, expect, it } from 'vitest';
import { reachOf } from '../../../api/vms/seen/vm-reach.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';

const reach = (provider: string, ip: string, externalIp = false): string =>
  reachOf({ provider, spec: { externalIp } as VmSpec }, ip);

describe('an answer says from where the address of its VM is reached', () => {
  it('from its host alone where it is a loopback address', () => {
    expect([reach('local', '127.70.1.2'), reach('qemu', '127.130.1.2')]).toEqual(['host', 'host']);
  });

  it('from networks or the internet where its host gives it an address of a range', () => {
    expect([reach('qemu', '10.7.0.9'), reach('local', '34.1.2.3')]).toEqual(['network', 'internet']);
  });

  it('from the internet on a cloud where an external address was asked for, else from its network', () => {
    expect([reach('gcp', '34.1.2.3', true), reach('gcp', '10.128.0.4'), reach('gcp', '34.1.2.3')]).toEqual([
      'internet',
      'network',
      'network',
    ]);
  });
});
