import { describe, expect, it } from 'vitest';
import { isProviderDown, type SeenHost } from '../../../../domain/host/down.ts';

const AT = Date.UTC(2026, 0, 1);
const host = (state: SeenHost['state'], secondsAgo: number, provider = ['local']): SeenHost => ({
  ...{ state, provider, lastSeenAt: new Date(AT - secondsAgo * 1000).toISOString() },
});

describe('a provider', () => {
  it('is down when all of its hosts are lost, or away for longer than a restart takes', () => {
    expect(isProviderDown('local', [host('lost', 1), host('away', 16)], AT)).toBe(true);
    expect(isProviderDown('local', [host('away', 14)], AT)).toBe(false);
  });

  it.each(['ready', 'cordoned', 'draining'] as const)(
    'is there with one host that is %s, however long unheard',
    (state) => {
      expect(isProviderDown('local', [host(state, 900), host('lost', 900)], AT)).toBe(false);
    },
  );

  it('is waited for where no host of it is known', () => {
    expect(isProviderDown('local', [], AT)).toBe(false);
    expect(isProviderDown('local', [host('lost', 900, ['qemu'])], AT)).toBe(false);
  });
});
