import { describe, expect, it } from 'vitest';
import { parseProcStatStartTime, parsePsStartTime } from '../../../lib/processes/process-start-time.ts';

const FIELDS_3_TO_24 = 'S 1 10 10 0 -1 4194560 1 0 0 0 7 3 0 0 20 0 11 0 250775 1172000000 12000';

describe('the start time of a process', () => {
  it('is field 22 of /proc/<pid>/stat', () => {
    expect(parseProcStatStartTime(`10 (node) ${FIELDS_3_TO_24}\n`)).toBe('250775');
  });

  it('is found behind a name with blanks and parentheses', () => {
    expect(parseProcStatStartTime(`10 (a) b (c) 1 2) ${FIELDS_3_TO_24}`)).toBe('250775');
  });

  it('is unknown when the text is cut short or empty', () => {
    expect(parseProcStatStartTime('10 (node) S 1 10')).toBeUndefined();
    expect(parseProcStatStartTime('')).toBeUndefined();
  });

  it('is the date that ps prints, in one spacing', () => {
    expect(parsePsStartTime('Sat Nov  7 04:27:59 2026    \n')).toBe('Sat Nov 7 04:27:59 2026');
  });

  it('is unknown when ps finds no process', () => {
    expect(parsePsStartTime('\n')).toBeUndefined();
  });
});
