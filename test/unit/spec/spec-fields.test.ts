/** One declaration of a field is everything: here a field is added, and seen wherever specs are. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { absentField, field, FieldGroup, type Fields } from '../../../spec/field.ts';
import { combined, withDefaults } from '../../../spec/field-values.ts';
import { SPEC_FIELDS } from '../../../spec/spec-fields.ts';
import { vmSpecSchema } from '../../../api/schemas/spec.ts';
import { createRequestOf, templateSpecOf, templateSpecSchema, wholeSpecOf } from '../../../spec/spec-schemas.ts';
import { BUILT_IN_TEMPLATES, wholeSpec } from '../../../spec/templates.ts';
import { PROVIDERS } from '../../../providers/registry.ts';

const FIELDS = {
  ...SPEC_FIELDS,
  gpu: field(z.enum(['none', 'small']), { text: 'Graphics processor.', default: 'none' }),
  keyboard: absentField(z.string(), { text: 'Keyboard of the console.', without: 'none' }),
  clock: new FieldGroup(
    { driftSeconds: field(z.int().min(0), { text: 'How far the clock may be off.', default: 1 }) },
    { text: 'How the clock is kept.' },
  ),
} satisfies Fields;

const json = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io }) as { properties: Record<string, { description?: string }>; required?: string[] };

describe('a field that is added to a spec', () => {
  it('is documented and checked in requests and in templates, where it may be left out', () => {
    for (const schema of [createRequestOf(FIELDS), templateSpecOf(FIELDS)]) {
      expect(schema.parse({ gpu: 'small', clock: {} })).toEqual({ gpu: 'small', clock: {} });
      expect(schema.safeParse({ gpu: 'huge' }).success).toBe(false);
      expect(schema.safeParse({ clock: { zone: 'utc' } }).success).toBe(false);
    }
    const request = json(createRequestOf(FIELDS), 'input').properties['gpu']?.description;
    expect(request).toBe('Graphics processor. Default: that of the template; without a template `none`.');
    const template = json(templateSpecOf(FIELDS), 'input').properties['gpu']?.description;
    expect(template).toBe('Graphics processor. Default: `none`.');
  });

  it('is in every whole spec with its default, and wins in a request over the template', () => {
    const schema = wholeSpecOf(FIELDS);
    expect(json(schema, 'output').required).toEqual(expect.arrayContaining(['gpu', 'clock']));
    expect(json(schema, 'output').required).not.toContain('keyboard');
    const asked = combined(
      FIELDS,
      { gpu: 'small', labels: { a: '1' } },
      { clock: { driftSeconds: 9 }, labels: { b: '2' } },
    );
    const whole = withDefaults(FIELDS, { ...asked, provider: 'local', image: 'vm-server' });
    expect(whole).toMatchObject({ gpu: 'small', clock: { driftSeconds: 9 }, labels: { a: '1', b: '2' }, cpus: 1 });
    expect(whole).not.toHaveProperty('keyboard');
    expect(schema.strict().parse({ template: null, ...whole })).toEqual({ template: null, ...whole });
    expectTypeOf(whole.gpu).toEqualTypeOf<'none' | 'small'>();
    expectTypeOf(whole.keyboard).toEqualTypeOf<string | undefined>();
  });
});

describe('the fields of a spec', () => {
  it('make the type that the domain works with', () => {
    expectTypeOf<z.output<typeof vmSpecSchema>>().toEqualTypeOf<VmSpec>();
    const spec = wholeSpec({ provider: 'local', image: 'vm-server' });
    expect(vmSpecSchema.strict().parse(spec)).toEqual(spec);
  });

  it('are all that templates are made of', () => {
    const templates = [BUILT_IN_TEMPLATES, ...PROVIDERS.map((provider) => provider.templates)].flatMap(Object.values);
    expect(templates.length).toBeGreaterThan(1);
    for (const { spec } of templates) expect(templateSpecSchema.parse(spec)).toEqual(spec);
  });
});
