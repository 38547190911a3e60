import { describe, expect, it } from 'vitest';
import { TIMEOUTS } from '../../../domain/timeouts.ts';
import { InsertTries } from '../../../providers/gcp/machine/insert-tries.ts';

describe('the tries of inserts that a worker remembers', () => {
  it('are no more than those of the creates that can still go on, however many failed before', () => {
    let now = 0;
    const tries = new InsertTries(() => now);
    for (let machine = 0; machine < 10_000; machine += 1) {
      now += 1000;
      tries.note(`m-${machine}/zone-a`, 1);
    }
    expect(tries.size).toBeLessThanOrEqual(TIMEOUTS.createTotalSeconds + 1);
    expect(tries.next('m-9999/zone-a')).toBe(1);
    expect(tries.next('m-0/zone-a')).toBe(0);
  });

  it('stay while the create of their machine goes on trying', () => {
    let now = 0;
    const tries = new InsertTries(() => now);
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      now += (TIMEOUTS.createTotalSeconds * 1000) / 2;
      tries.note('m-patient/zone-a', attempt);
      tries.note(`m-other-${attempt}/zone-a`, 1);
      expect(tries.next('m-patient/zone-a')).toBe(attempt);
    }
    tries.forget('m-patient/zone-a');
    expect(tries.next('m-patient/zone-a')).toBe(0);
  });
});
