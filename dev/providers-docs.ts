/** Makes docs/providers.md: what each provider can do, what fields of a spec mean there, and what its machines cost. */
import { CAPABILITY_TEXTS } from '../domain/machine/capability-texts.ts';
import type { ProviderCapabilities } from '../domain/machine/provider-capabilities.ts';
import { plainInMarkdown } from '../domain/plain-in-markdown.ts';
import type { ProviderDescriptor } from '../providers/descriptor.ts';
import { PROVIDERS } from '../providers/registry.ts';

const PLACES = {
  host: 'on hosts of yours, which alone know them',
  zone: 'in zones or regions; any worker reaches them',
} satisfies Record<ProviderDescriptor['placement'], string>;

export function providersMarkdown(): string {
  return [
    '# Providers',
    '',
    'Generated from `providers/*/descriptor.ts` by `dev/generate-docs.ts`. `npm run doctor -- PROVIDER` asks a cloud what a deployment on it',
    'lacks. What a spec asks for and a provider cannot do is refused with `unsupportedOption` before anything is made.',
    '',
    '| provider | its machines | where they are | calls a second, at first at once |',
    '| --- | --- | --- | --- |',
    ...PROVIDERS.map(
      ({ name, description, placement, callRate }) =>
        `| [\`${name}\`](#${name}) | ${description} | ${PLACES[placement]} | ${callRate.callsPerSecond}, ${callRate.burst} |`,
    ),
    '',
    '## What each can do',
    '',
    `| | ${PROVIDERS.map(({ name }) => `\`${name}\``).join(' | ')} |`,
    `| --- | ${PROVIDERS.map(() => '---').join(' | ')} |`,
    ...Object.entries(CAPABILITY_TEXTS).map(
      ([capability, text]) =>
        `| ${text} | ${PROVIDERS.map(({ capabilities }) => shown(capabilities, capability)).join(' | ')} |`,
    ),
    ...PROVIDERS.flatMap(ofProvider),
    '',
    '## What machines cost',
    '',
    'List prices in US dollars, of the day and region that each table names: for estimates, not for bills, which have traffic, addresses, taxes',
    'and discounts, too. A JSON file of your own goes before them (`EPHEMERA_PRICES_FILE`): `{"PROVIDER": {"MACHINE-TYPE": 0.01, "disk": 0.1}}` is an hour of',
    'a machine type, and a month of a GB of disk.',
    ...PROVIDERS.flatMap(costsOf),
    '',
  ].join('\n');
}

function shown(capabilities: ProviderCapabilities, name: string): string {
  const value = capabilities[name as keyof ProviderCapabilities];
  if (typeof value === 'boolean') return value ? 'yes' : '';
  return value === null ? '_any_' : value.map((image) => `\`${image}\``).join(', ');
}

function ofProvider({ name, specFields = {} }: ProviderDescriptor): string[] {
  const rows = Object.entries(specFields).map(([field, text]) => `| \`${field}\` | ${text} |`);
  return ['', `## ${name}`, '', '| field of a spec | what it means there |', '| --- | --- |', ...rows];
}

function costsOf({ name, costs }: ProviderDescriptor): string[] {
  if (costs === undefined) return [];
  const { region, readOn, source, machineHourUsd, diskGbMonthUsd, whileStopped } = costs.prices;
  const disk = diskGbMonthUsd === null ? 'not known here' : diskGbMonthUsd === 0 ? 'in the price' : `${diskGbMonthUsd}`;
  const stopped = whileStopped === 'all' ? 'as one that runs' : 'its disk alone';
  return [
    '',
    `### Prices of ${name}`,
    '',
    `Region ${region}, ${readOn}: ${plainInMarkdown(source)}. A GB of disk for a month: ${disk}. A machine that is stopped costs ${stopped}.`,
    '',
    '| machine type | an hour |',
    '| --- | --- |',
    ...Object.entries(machineHourUsd).map(([type, price]) => `| \`${type}\` | ${price} |`),
  ];
}
