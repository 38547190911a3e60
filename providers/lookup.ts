/** What the registry says of a provider by its name. */
import { BUILT_IN_TEMPLATES, type Template } from '../spec/templates.ts';
import { callRateWith, type CallRate } from '../domain/capacity/call-budget.ts';
import type { ProviderDescriptor } from './descriptor.ts';
import { PROVIDERS } from './registry.ts';

/** Of every provider that there is, the default one first. */
export function providerNames(): string[] {
  return PROVIDERS.map(({ name }) => name);
}

/** @throws Error for a name that no provider has; names of settings and specs were checked before. */
export function descriptorOf(name: string): ProviderDescriptor {
  const found = PROVIDERS.find((provider) => provider.name === name);
  if (found === undefined) throw new Error(`there is no provider ${name}; there is: ${providerNames().join(', ')}`);
  return found;
}

/** Those of the providers whose machines are known to the host alone that made them. */
export function providersOnHosts(names: readonly string[]): string[] {
  return names.filter((name) => descriptorOf(name).placement === 'host');
}

/** Names for texts, as `a` or `b`; empty where no provider is such. */
export function namesWhere(isSuch: (provider: ProviderDescriptor) => boolean): string {
  return PROVIDERS.filter(isSuch)
    .map(({ name }) => `\`${name}\``)
    .join(' or ');
}

/** The calls that a process may make to a provider: what was set, else its default. */
export function callRateOf(name: string, set: { callsPerSecond?: number; burst?: number } = {}): CallRate {
  return callRateWith(descriptorOf(name).callRate, set);
}

/** Templates of every deployment, and those that come with a provider. */
export function knownTemplates(): Record<string, Template> {
  const own = PROVIDERS.flatMap(({ name, templates }) =>
    Object.entries(templates).map(([template, { version, spec }]) => [
      template,
      { version, spec: { ...spec, provider: name } },
    ]),
  );
  return { ...BUILT_IN_TEMPLATES, ...(Object.fromEntries(own) as Record<string, Template>) };
}

/** The templates that one of these providers can run. */
export function offeredTemplates(names: readonly string[]): Record<string, Template> {
  const offered = Object.entries(knownTemplates()).filter(
    ([, { spec }]) => spec.provider === undefined || names.includes(spec.provider),
  );
  return Object.fromEntries(offered);
}

/** A provider's own settings, which its descriptor alone can read. */
export function ownSettings<Own>(
  { providerSettings }: { providerSettings: Readonly<Record<string, unknown>> },
  { name }: ProviderDescriptor<Own>,
): Own {
  return providerSettings[name] as Own;
}

/** First words of the proofs by which instances of clouds prove themselves. */
export function proofWords(): string[] {
  return PROVIDERS.flatMap(({ agentIdentity: { instances } }) =>
    instances === undefined ? [] : [instances.proofWord],
  );
}
