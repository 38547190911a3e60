import { describe, expect, it } from 'vitest';
import { openApiText } from '../../../api/routes.ts';
import { fieldKind, splitDescription, withoutEmpty, type Schema } from '../../../web/create/schema.ts';

const { components } = JSON.parse(openApiText()) as { components: { schemas: Record<string, Schema> } };
const FIELDS = Object.entries(components.schemas['CreateVm']?.properties ?? {});

describe('the form that a schema makes', () => {
  it('has a plain field for all but what is either of two things', () => {
    const asJson = FIELDS.filter(([, schema]) => fieldKind(schema) === 'json').map(([name]) => name);
    expect(FIELDS.length).toBeGreaterThan(20);
    expect(asJson).toEqual(['egress', 'ports']);
  });

  it.each([
    ['labels', 'pairs'],
    ['idle', 'group'],
    ['zones', 'list'],
    ['spot', 'yesNo'],
    ['cpus', 'number'],
    ['provider', 'choice'],
  ])('asks for %s as %s', (name, kind) => {
    expect(fieldKind(Object.fromEntries(FIELDS)[name] ?? {})).toBe(kind);
  });

  it('says what is meant when a field is left empty', () => {
    expect(splitDescription('Virtual `cpus`. Default: 1.')).toEqual({ about: 'Virtual cpus.', fallback: '1.' });
    expect(splitDescription('A name.')).toEqual({ about: 'A name.', fallback: undefined });
  });

  it('sends nothing of what was left empty, and keeps no and zero', () => {
    expect(withoutEmpty({ name: '', idle: { timeoutSeconds: undefined }, labels: {}, zones: [] })).toBeUndefined();
    expect(withoutEmpty({ spot: false, cpus: 0, name: 'a' })).toEqual({ spot: false, cpus: 0, name: 'a' });
  });
});
