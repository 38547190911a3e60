/** The licences of the packages whose code is in ours: each asks to go with it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CODE_ROOT } from '../../lib/processes/checkout.ts';

/** Of the dashboard, whose bundler does not say what it took. */
const OF_DASHBOARD = [
  ...['react', 'react-dom', 'react-router', 'scheduler', '@mantine/core', '@mantine/hooks'],
  ...['@tanstack/react-query', '@tanstack/query-core', '@tanstack/react-virtual', '@tanstack/virtual-core'],
];
/** The directory of a package in the path of one of its files. */
const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** The text of all notices, for what was made of these files of the checkout. */
export async function thirdPartyNotices(inputs: readonly string[]): Promise<string> {
  const found = inputs.flatMap((path) => PACKAGE.exec(path)?.[1] ?? []);
  const native = 'node_modules/@temporalio/core-bridge';
  const directories = new Set([...found, ...OF_DASHBOARD.map((name) => `node_modules/${name}`), native]);
  const notices = await Promise.all([...directories].map(noticeOf));
  const unique = [...new Set(notices.filter((notice) => notice !== undefined))].sort();
  return ['This package contains code of these packages.', ...unique].join(`\n\n${'-'.repeat(80)}\n\n`);
}

async function noticeOf(directory: string): Promise<string | undefined> {
  const place = join(CODE_ROOT, directory);
  const manifest = await readFile(join(place, 'package.json'), 'utf8').catch(() => undefined);
  if (manifest === undefined) return undefined;
  const { name, version, license } = JSON.parse(manifest) as Record<string, unknown>;
  const file = (await readdir(place)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n\n${(await readFile(join(place, file), 'utf8')).trim()}`;
  return `${String(name)} ${String(version)} (${JSON.stringify(license)})${text}`;
}
