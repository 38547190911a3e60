import { describe, expect, it } from 'vitest';
import { mustStop, stopTime, type FenceLook } from '../../../../domain/host/fence.ts';
import { TIMEOUTS } from '../../../../domain/timeouts.ts';

const LOST = TIMEOUTS.hostLostSeconds;
const look: FenceLook = {
  ...{ stopAt: stopTime(100, LOST), lostSeconds: LOST, now: 100, temporal: 'elsewhere', downAt: null },
};

describe('the fence of a host', () => {
  it('stops its machines before its lease has been over for as long as makes it lost, and no sooner', () => {
    const due = 100 + LOST - TIMEOUTS.fenceMarginSeconds;
    expect(mustStop({ ...look, now: due - 0.01 })).toBe(false);
    expect(mustStop({ ...look, now: due })).toBe(true);
    expect(due).toBeLessThan(100 + LOST);
  });

  it('lets a host that was stopped for two minutes go on', () => {
    expect(mustStop({ ...look, now: 100 + 120 })).toBe(false);
  });

  it('stops nothing of a host that never had a lease', () => {
    expect(mustStop({ ...look, stopAt: null, now: 1e9 })).toBe(false);
  });

  it('waits while the Temporal server of this very computer is down, and then less than its last call takes', () => {
    const tomorrow = { ...look, now: 86_400 };
    expect(mustStop({ ...tomorrow, temporal: 'down', downAt: 86_400 })).toBe(false);
    const patience = TIMEOUTS.hostReturnSeconds - TIMEOUTS.fenceMarginSeconds;
    expect(mustStop({ ...tomorrow, temporal: 'up', downAt: 86_400 - patience + 1 })).toBe(false);
    expect(mustStop({ ...tomorrow, temporal: 'up', downAt: 86_400 - patience })).toBe(true);
    expect(mustStop({ ...look, temporal: 'down', downAt: 100, now: 100 })).toBe(false);
  });
});
