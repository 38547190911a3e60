/** What docs/providers.md says of each provider: complete, and nothing that is refused. */
import { describe, expect, it } from 'vitest';
import { providersMarkdown } from '../../../dev/providers-docs.ts';
import { CAPABILITY_TEXTS } from '../../../domain/machine/capability-texts.ts';
import type { ProviderCapabilities } from '../../../domain/machine/provider-capabilities.ts';
import { PROVIDERS } from '../../../providers/registry.ts';
import { wholeSpec } from '../../../spec/templates.ts';
import { SPEC_FIELDS } from '../../../spec/spec-fields.ts';

/** Fields that mean something of its own with each provider, with the capability that they take. */
const FIELDS: [string, keyof ProviderCapabilities | undefined][] = [
  ...(['image', 'cpus', 'memoryMb', 'idle'] as const).map((name): [string, undefined] => [name, undefined]),
  ...Object.entries(SPEC_FIELDS).flatMap(([name, field]): [string, keyof ProviderCapabilities][] => {
    const capability = 'info' in field && 'capability' in field.info ? field.info.capability : undefined;
    return capability === undefined ? [] : [[name, capability]];
  }),
];

describe('what is said of providers', () => {
  it('has words for every capability that there is', () => {
    for (const { name, capabilities } of PROVIDERS)
      expect(Object.keys(CAPABILITY_TEXTS).sort(), name).toEqual(Object.keys(capabilities).sort());
    const page = providersMarkdown();
    for (const [capability, text] of Object.entries(CAPABILITY_TEXTS))
      expect(page, capability).toContain(`| ${text} |`);
  });

  it('explains each field that a provider takes, and none that it refuses', () => {
    expect(FIELDS.length).toBeGreaterThan(12);
    for (const { name, capabilities, specFields = {} } of PROVIDERS) {
      const takes = FIELDS.filter(([, capability]) => capability === undefined || capabilities[capability] === true);
      expect(Object.keys(specFields), name).toEqual(expect.arrayContaining(takes.map(([field]) => field)));
      const refused = FIELDS.map(([field]) => field).filter((field) => !takes.some(([taken]) => taken === field));
      expect(
        Object.keys(specFields).filter((field) => refused.includes(field)),
        name,
      ).toEqual([]);
      for (const [field, text] of Object.entries(specFields)) expect(text, `${name} ${field}`).not.toMatch(/[|\n]/);
    }
  });

  it('has a price for the type of machine that small specs get, with a day, a region and a source', () => {
    const priced = PROVIDERS.flatMap(({ name, costs }) => (costs === undefined ? [] : [{ name, ...costs }]));
    expect(priced.map(({ name }) => name)).toContain('gcp');
    for (const { name, prices, ...costs } of priced) {
      expect(prices.readOn, name).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(`${prices.region} ${prices.source}`.length, name).toBeGreaterThan(10);
      for (const [type, hour] of Object.entries(prices.machineHourUsd)) expect(hour, type).toBeGreaterThan(0.001);
      const spec = wholeSpec({ provider: name, image: 'x', memoryMb: 1024 });
      expect(Object.keys(prices.machineHourUsd), name).toContain(costs.machineTypeOf(spec));
    }
  });
});
