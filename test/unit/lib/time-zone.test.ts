import { afterEach, expect, it, vi } from 'vitest';
import { planSchedule } from '../../../domain/pool/schedule.ts';
import { isTimeZone, offsetIn } from '../../../lib/text/time-zone.ts';

afterEach(() => vi.restoreAllMocks());

const at = (text: string): number => Date.parse(text);
const MINUTE_MS = 60_000;

/** As Node writes it: `GMT+2`, `GMT-3:30`. */
function writtenOffset(zone: string, instant: number): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  const text = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(text) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}

it.each([
  ['Europe/Berlin', '2027-03-28T01:00:00Z'],
  ['Europe/Berlin', '2027-10-31T01:00:00Z'],
  ['America/St_Johns', '2027-03-14T05:30:00Z'],
  ['Australia/Lord_Howe', '2027-04-03T15:00:00Z'],
  ['Pacific/Chatham', '2027-09-25T14:00:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ['Asia/Kolkata', '2027-03-28T01:00:00Z'],
])('the clock of %s is what Node says it is, to the millisecond around %s', (zone, change) => {
  const offset = offsetIn(zone);
  const near = [-7 * 3_600_000, -MINUTE_MS, -1, 0, 1, MINUTE_MS, 7 * 3_600_000].map((ms) => at(change) + ms);
  expect(near.map((instant) => offset(instant))).toEqual(near.map((instant) => writtenOffset(zone, instant)));
});

it('a schedule that fires each minute is read by few questions to Node, also where the clock is put forward or back', () => {
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts');
  const schedule = Array.from({ length: 4 }, (_, index) => ({
    ...{ cron: '* * * * *', timezone: 'Europe/Berlin', min: index % 2, max: 5 },
  }));
  for (const from of ['2027-03-27T23:30:00Z', '2027-10-31T00:30:00Z']) {
    asked.mockClear();
    planSchedule({ min: 0, max: 5, schedule }, at(from), offsetIn);
    expect(asked.mock.calls.length).toBeLessThan(4 * 200);
  }
});

it('a zone is kept once, in however many ways it is spelled', () => {
  expect(isTimeZone('America/Argentina/ComodRivadavia')).toBe(true);
  const made = vi.spyOn(Intl, 'DateTimeFormat');
  const letters = Array.from('america/argentina/comodrivadavia');
  for (let number = 0; number < 500; number += 1) {
    const spelled = letters.map((letter, index) => ((number >> index) & 1 ? letter.toUpperCase() : letter)).join('');
    expect(isTimeZone(spelled)).toBe(true);
  }
  expect(made).not.toHaveBeenCalled();
});
