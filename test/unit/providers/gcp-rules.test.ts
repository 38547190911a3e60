import { describe, expect, it } from 'vitest';
import {
  GCP_RULES,
  networkOfSpec,
  networkPathOf,
  refusedChoice,
  type GcpChoices,
} from '../../../providers/gcp/rules.ts';

const choices = (some: Partial<GcpChoices> = {}): GcpChoices => ({
  ...{ network: null, externalIp: false, machineType: null, cpus: 1, memoryMb: 512 },
  ...some,
});

describe('networks', () => {
  it('are the same in every spelling, and those of other projects are others', () => {
    expect(networkPathOf('default')).toBe('global/networks/default');
    const url = 'https://www.googleapis.com/compute/v1/projects/p/global/networks/default';
    expect(networkPathOf(url, 'p')).toBe('global/networks/default');
    expect(networkPathOf('projects/q/global/networks/default', 'p')).toBe('projects/q/global/networks/default');
    expect(networkPathOf('regions/us-central1/subnetworks/x')).toBe('regions/us-central1/subnetworks/x');
    for (const none of ['', '../x', 'a/b', 'regions/x', 'global/networks/', 'regions/us-central1/subnetworks/a/b']) {
      expect(networkPathOf(none), none).toBeUndefined();
    }
  });

  it('of specs without one are the first that the deployment names', () => {
    const rules = { ...GCP_RULES, networks: ['first', 'second'] };
    expect(networkOfSpec({ network: null }, rules)).toBe('first');
    expect(networkOfSpec({ network: 'second' }, rules)).toBe('second');
    expect(refusedChoice(choices({ network: 'second' }), rules, null)).toBeUndefined();
    expect(refusedChoice(choices({ network: 'third' }), rules, null)).toMatchObject({ field: 'network' });
  });
});

describe('machine types', () => {
  const rules = { ...GCP_RULES, machineTypes: ['n2-standard-*', 'e2-small'] };
  const refused = (some: Partial<GcpChoices>) => refusedChoice(choices(some), rules, null)?.field;

  it('fit a name or a pattern as a whole', () => {
    expect(refused({ machineType: 'n2-standard-4' })).toBeUndefined();
    expect(refused({ machineType: 'e2-small' })).toBeUndefined();
    for (const machineType of ['e2-small-2', 'xe2-small', 'n2-highmem-4', 'n2-standard', 'xn2-standard-4']) {
      expect(refused({ machineType }), machineType).toBe('machineType');
    }
  });

  it('are held to the rules also where a spec gives only its size', () => {
    expect(refused({ memoryMb: 2048 })).toBeUndefined();
    expect(refused({ memoryMb: 512 })).toBe('machineType');
  });
});
