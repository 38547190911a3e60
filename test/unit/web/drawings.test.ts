import { describe, expect, it } from 'vitest';
import { durationText, sizeText } from '../../../web/parts/duration.ts';
import { stepPath } from '../../../web/parts/steps.ts';
import { connectionSteps, phasesOf } from '../../../web/vms/parts/phases.ts';

const FRAME = { width: 100, height: 10, from: 0, to: 100, most: 2 };
const at = (seconds: number) => new Date(seconds * 1000).toISOString();

describe('a line of counts', () => {
  it('holds each value until the next, and the last one to the right edge', () => {
    expect(
      stepPath(
        [
          { at: 0, value: 0 },
          { at: 50, value: 2 },
        ],
        FRAME,
      ),
    ).toBe('M0 10H50V0H100');
  });

  it('begins with what was true before', () => {
    expect(
      stepPath(
        [
          { at: -30, value: 1 },
          { at: 40, value: 0 },
        ],
        FRAME,
      ),
    ).toBe('M0 5H40V10H100');
  });

  it('is nothing where nobody counted', () => {
    expect(stepPath([], FRAME)).toBe('');
  });
});

describe('the story of a VM', () => {
  const events = [
    { number: 1, at: at(0), kind: 'state', state: 'creating' },
    { number: 2, at: at(2), kind: 'state', state: 'running' },
    { number: 3, at: at(5), kind: 'connections', state: 'running', detail: '1 connection' },
    { number: 4, at: at(8), kind: 'connections', state: 'running', detail: '12 connections' },
    { number: 5, at: at(9), kind: 'state', state: 'draining' },
  ] as const;

  it('is one phase after the other, the last one until now', () => {
    expect(phasesOf(events, 10_000)).toEqual([
      { state: 'creating', from: 0, to: 2000 },
      { state: 'running', from: 2000, to: 9000 },
      { state: 'draining', from: 9000, to: 10_000 },
    ]);
  });

  it('never ends before it began, whatever the clocks say', () => {
    expect(phasesOf(events.slice(0, 1), -5000)).toEqual([{ state: 'creating', from: 0, to: 0 }]);
  });

  it('counts users from the moment it was ready', () => {
    expect(connectionSteps(events).map(({ value }) => value)).toEqual([0, 1, 12]);
  });
});

describe('times and sizes', () => {
  it.each([
    [999, '0 s'],
    [59_000, '59 s'],
    [3_599_000, '59 min'],
    [3_600_000, '1 h'],
    [5_400_000, '1 h 30 min'],
    [90_000_000, '1 d 1 h'],
  ])('%d ms is %s', (ms, text) => expect(durationText(ms)).toBe(text));

  it.each([
    [undefined, '–'],
    [512, '512 B'],
    [1536, '1.5 KiB'],
    [3 * 1024 ** 3, '3.0 GiB'],
  ])('%s bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));
});
