import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { estimatedCosts } from '../../../commands/doctor/estimated-costs.ts';
import { readOwnPrices } from '../../../config/own-prices.ts';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { local } from '../../../providers/local/descriptor.ts';

const directory = mkdtempSync(join(tmpdir(), 'eph-prices-'));
afterAll(() => rmSync(directory, { recursive: true }));

function written(content: string): string {
  const file = join(directory, 'prices.json');
  writeFileSync(file, content);
  return file;
}

describe('what the doctor says of costs', () => {
  it('is the list price of what each template gets, with its region and day', () => {
    const [chat] = estimatedCosts(gcp, undefined);
    expect(chat).toMatch(
      /^template chat: \$0\.0084 an hour, without its disk \(e2-micro; list prices of us-central1, 2/,
    );
    expect(estimatedCosts(local, undefined)).toEqual([]);
  });

  it('is your own price where a file has one', () => {
    const own = readOwnPrices(written('{"gcp": {"e2-micro": 0.5, "disk": 0.1}}'));
    expect(own).toEqual({ gcp: { machineHourUsd: { 'e2-micro': 0.5 }, diskGbMonthUsd: 0.1 } });
    expect(estimatedCosts(gcp, own['gcp'])[0]).toMatch(/^template chat: \$0\.5000 an hour.*and your own\)$/);
  });

  it('says so where no price is known', () => {
    const costs = { ...gcp.costs!, prices: { ...gcp.costs!.prices, machineHourUsd: {} } };
    expect(estimatedCosts({ ...gcp, costs }, undefined)[0]).toContain('no price is known (e2-micro;');
  });

  it('refuses a file that is none, and names the provider that there is not', () => {
    expect(readOwnPrices(null)).toEqual({});
    expect(() => readOwnPrices(join(directory, 'no-such.json'))).toThrow(/EPHEMERA_PRICES_FILE: .*no-such\.json/);
    expect(() => readOwnPrices(written('{"gcp": {"e2-micro": "cheap"}}'))).toThrow(/must be JSON such as/);
    expect(() => readOwnPrices(written('{"moon": {"rover": 1}}'))).toThrow(/unknown provider moon; known: local/);
  });
});
