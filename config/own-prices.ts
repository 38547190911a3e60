/** What a deployment says itself of prices: `EPHEMERA_PRICES_FILE`. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { OwnPrices } from '../domain/cost/prices.ts';
import { providerNames } from '../providers/lookup.ts';
import { SettingsError } from './load-settings.ts';

const DISK = 'disk';
const price = z.number().min(0);
const fileSchema = z.record(z.string(), z.record(z.string().min(1), price));

/**
 * By the names of providers; none without a file.
 * @throws SettingsError for a file that cannot be read, is no such JSON, or names a provider that there is not
 */
export function readOwnPrices(file: string | null): Readonly<Record<string, OwnPrices>> {
  if (file === null) return {};
  const written = parse(file);
  const unknown = Object.keys(written).filter((name) => !providerNames().includes(name));
  if (unknown.length > 0) {
    throw wrong(file, `names the unknown provider ${unknown.join(', ')}; known: ${providerNames().join(', ')}`);
  }
  return Object.fromEntries(
    Object.entries(written).map(([name, { [DISK]: diskGbMonthUsd, ...machineHourUsd }]) => [
      name,
      { machineHourUsd, ...(diskGbMonthUsd === undefined ? {} : { diskGbMonthUsd }) },
    ]),
  );
}

function parse(file: string): z.output<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const found = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw wrong(file, `must be JSON such as {"PROVIDER": {"MACHINE-TYPE": 0.01, "disk": 0.1}}: ${found}`);
  }
}

function wrong(file: string, problem: string): SettingsError {
  return new SettingsError([`EPHEMERA_PRICES_FILE: ${file} ${problem}`]);
}
