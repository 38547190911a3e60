import { describe, expect, it } from 'vitest';
import { RemoteClock } from '../../../lib/network/remote-clock.ts';

const MINUTE = 60_000;
/** The other computer's clock at the start; this one counts from 5 s. */
const EPOCH = Date.UTC(2026, 0, 1);

describe('the clock of another computer', () => {
  const scene = () => {
    let elapsed = 0;
    const clock = new RemoteClock(() => 5000 + elapsed);
    return {
      clock,
      pass: (ms: number): void => void (elapsed += ms),
      /** What it says now, heard after a while. */
      hears: (delayMs: number): void => clock.heard(EPOCH + elapsed - delayMs),
      now: (): number => EPOCH + elapsed,
    };
  };

  it('says how long ago it showed a time, whatever this one shows', () => {
    const { clock, pass, hears, now } = scene();
    pass(MINUTE);
    hears(3);
    const scheduled = now() - 10_000;
    expect(clock.since(scheduled)).toBe(10_000 - 3);
    pass(500);
    expect(clock.since(scheduled)).toBe(10_500 - 3);
  });

  it('is believed by what was least on its way: a create that waited for an hour makes no wait shorter', () => {
    const { clock, pass, hears, now } = scene();
    hears(3_600_000);
    expect(clock.since(now() - 3_600_000)).toBe(0);
    pass(100);
    hears(4);
    hears(3_600_000);
    expect(clock.since(now() - 3_600_000)).toBe(3_600_000 - 4);
  });

  it('is followed when somebody sets it, within ten minutes', () => {
    const { clock, pass, hears } = scene();
    hears(0);
    // It is set back by a minute: what it says seems to have been long on its way.
    for (let minute = 0; minute < 11; minute += 1) {
      pass(MINUTE);
      hears(MINUTE);
    }
    expect(clock.since(EPOCH + 11 * MINUTE - MINUTE - 5000)).toBe(5000);
  });

  it('tells of no wait before anything was heard, and of none that is not over', () => {
    const { clock, hears, now } = scene();
    expect(clock.since(EPOCH)).toBe(0);
    hears(0);
    expect(clock.since(now() + 5000)).toBe(0);
  });
});
