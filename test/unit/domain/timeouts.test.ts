import { describe, expect, it } from 'vitest';
import { TIMEOUT_LIMITS, TIMEOUT_ORDER, TIMEOUTS } from '../../../domain/timeouts.ts';
import { SPEC_DEFAULTS } from '../../../domain/vm/spec.ts';

describe('time-outs', () => {
  it.each(TIMEOUT_ORDER)('%s is shorter than %s', (shorter, longer) => {
    expect(TIMEOUTS[shorter]).toBeLessThan(TIMEOUTS[longer]);
  });

  it('are whole seconds above 0', () => {
    for (const [name, seconds] of Object.entries(TIMEOUTS)) {
      expect(name).toMatch(/Seconds$/);
      expect(Number.isInteger(seconds) && seconds > 0, name).toBe(true);
    }
  });

  it('leave room for a lost heartbeat or two before a worker is given up', () => {
    expect(TIMEOUTS.activityHeartbeatIntervalSeconds * 3).toBeLessThanOrEqual(TIMEOUTS.activityHeartbeatSeconds);
  });

  it('give an agent that cannot be asked two reports to answer with', () => {
    expect(TIMEOUTS.agentReportIntervalSeconds * 2).toBeLessThan(TIMEOUTS.confirmReportSeconds);
  });

  it('keep a report token alive over many reports', () => {
    expect(TIMEOUTS.agentReportIntervalSeconds * 10).toBeLessThan(TIMEOUTS.agentTokenSeconds);
  });

  it('have defaults within what a user may ask for', () => {
    const { idle, maxLifetimeSeconds, readinessTimeoutSeconds } = SPEC_DEFAULTS;
    const { timeoutSeconds, firstConnectTimeoutSeconds, silenceTimeoutSeconds } = idle;
    const defaults = [timeoutSeconds, firstConnectTimeoutSeconds, silenceTimeoutSeconds, readinessTimeoutSeconds];
    for (const seconds of defaults) {
      expect(seconds).toBeGreaterThanOrEqual(TIMEOUT_LIMITS.minIdleSeconds);
      expect(seconds).toBeLessThan(maxLifetimeSeconds);
    }
    expect(maxLifetimeSeconds).toBeLessThanOrEqual(TIMEOUT_LIMITS.maxSeconds);
  });

  it('hear of a live agent several times before its default silence', () => {
    expect(TIMEOUTS.agentReportIntervalSeconds * 4).toBeLessThan(SPEC_DEFAULTS.idle.silenceTimeoutSeconds);
  });
});
