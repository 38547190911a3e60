/** Random choices of a spec, and counts, for properties of every life. */
import fc from 'fast-check';
import type { SpecChoices } from './vm-life.ts';

const seconds = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1500 }));

export const specChoices: fc.Arbitrary<SpecChoices> = fc.record({
  readiness: fc.record({
    kind: fc.constantFrom('agent' as const, 'http' as const, 'tcp' as const, 'machine' as const),
    timeoutSeconds: seconds,
  }),
  idle: fc.record({
    timeoutSeconds: seconds,
    firstConnectTimeoutSeconds: seconds,
    silenceTimeoutSeconds: seconds,
  }),
  softLifetimeSeconds: fc.option(seconds, { nil: null }),
  maxLifetimeSeconds: fc.integer({ min: 1, max: 4000 }),
});

export const connectionCount = fc.oneof(fc.constant(0), fc.constant(0), fc.constantFrom(1, 2, 300));
