import { describe, expect, it } from 'vitest';
import { recordFromTexts, recordGenerationOf, recordTexts } from '../../../providers/cloud/record-texts.ts';
import { labelKeyOf, labelValueOf, ownerLabelOf, type NameRule } from '../../../providers/cloud/resource-names.ts';

/** As wide as the tags of EC2 and Azure. */
const WIDE: NameRule = { pattern: /^[\w .:/=+@-]*$/, maxLength: 256 };
const NARROW: NameRule = { pattern: /^[a-z0-9-]+$/, maxLength: 24 };

describe('labels of a cloud', () => {
  it('are the texts themselves where the rule of the cloud lets them be', () => {
    expect(labelValueOf('Lobby 1', WIDE)).toBe('Lobby 1');
    expect(ownerLabelOf('vm/default/lobby', WIDE)).toBe('vm/default/lobby');
    expect(labelKeyOf('lobby', NARROW)).toBe('lobby');
  });

  it('are as short as the rule says, and differ where their texts do', () => {
    const texts = ['a'.repeat(24), 'a'.repeat(25), 'a'.repeat(26), 'Lobby', 'lobby', 'vm/a/b', 'vm_a_b'];
    const values = texts.map((text) => labelValueOf(text, NARROW));
    for (const value of values) expect(value).toMatch(/^[a-z0-9-]{1,24}$/);
    expect(new Set(values).size).toBe(texts.length);
    const owners = ['vm/a/b_c', 'vm/a_b/c', 'vm/a/b/c', 'vm/a/b-c'].map((owner) =>
      ownerLabelOf(owner, { pattern: /^[a-z0-9_-]*$/, maxLength: 63 }),
    );
    expect(new Set(owners).size).toBe(4);
  });
});

describe('a record in short texts', () => {
  const record = {
    labels: { vm: 'lobby', owner: 'vm/ü/lobby' },
    ports: Array.from({ length: 20 }, (_, port) => ({ port })),
  };
  const other = { ...record, ports: [] };

  it('is the record again, in whatever order the texts come and whatever else is among them', () => {
    const texts = recordTexts(record, 100);
    expect(texts.length).toBeGreaterThan(3);
    for (const text of texts) expect(text).toMatch(/^[A-Za-z0-9_-]{1,100}$/);
    expect(JSON.parse(recordFromTexts(['prod', ...texts.toReversed(), '', 'm-1-2-3'])!)).toEqual(record);
  });

  it('is there whole or not at all', () => {
    const texts = recordTexts(record, 100);
    for (const left of texts) expect(recordFromTexts(texts.filter((text) => text !== left))).toBeUndefined();
    const [first = '', ...rest] = texts;
    expect(recordFromTexts([first.slice(0, -1), ...rest])).toBeUndefined();
    const [, ...ofOther] = recordTexts({ ...record, more: 1 }, 100);
    expect(recordFromTexts([first, ...ofOther])).toBeUndefined();
    expect(recordFromTexts([])).toBeUndefined();
  });

  it('gives way to one of a higher generation as soon as that is whole', () => {
    const before = recordTexts(record, 100, 3);
    const after = recordTexts(other, 60, 10);
    expect(JSON.parse(recordFromTexts([...after.slice(1), ...before])!)).toEqual(record);
    expect(JSON.parse(recordFromTexts([...before, ...after])!)).toEqual(other);
    expect(recordGenerationOf([...before, ...after])).toBe(10);
    expect(recordGenerationOf(['prod'])).toBe(-1);
    const twin = recordTexts({ ...other, twin: true }, 60, 10);
    expect(recordFromTexts([...twin, ...after])).toBe(recordFromTexts([...after, ...twin]));
  });

  it('is refused where it takes too many texts', () => {
    expect(() => recordTexts(record, 20)).toThrow(/no record fits/);
    expect(() => recordTexts({ text: 'x'.repeat(2000) }, 40)).toThrow(/too many texts/);
  });
});
