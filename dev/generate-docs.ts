/**
 * Writes what is made from code: docs/errors.md, docs/metrics.md, docs/settings.md, docs/providers.md, docs/api.md, docs/openapi.json and the types of the
 * client.
 * With `--check` it changes nothing and fails when one of them is not up to date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTypes, { astToString } from 'openapi-typescript';
import { format } from 'prettier';
import { openApiText } from '../api/routes.ts';
import { settingsMarkdown } from '../config/describe-settings.ts';
import { API_ERROR, todoText } from '../domain/error-codes.ts';
import { PROVIDER_ERROR } from '../domain/machine/error-codes.ts';
import { clientOperations } from './client-operations.ts';
import { cliMarkdown } from './cli-docs.ts';
import { providersMarkdown } from './providers-docs.ts';
import { pythonClient } from './python-client.ts';
import { withCode } from './docs-code.ts';
import { METRICS, type MetricDefinition } from '../domain/metrics.ts';
import { apiReference } from './docs-site/api-reference.ts';

const ROOT = new URL('..', import.meta.url);

/** Every generated document: its path in the checkout and the text it should have. */
export async function generatedDocs(): Promise<Record<string, string>> {
  return {
    'docs/errors.md': await format(errorsMarkdown(), { parser: 'markdown', printWidth: 120 }),
    'docs/metrics.md': await format(metricsMarkdown(), { parser: 'markdown', printWidth: 120 }),
    'docs/settings.md': await format(settingsMarkdown(), { parser: 'markdown', printWidth: 120 }),
    'docs/providers.md': await format(providersMarkdown(), { parser: 'markdown', printWidth: 120 }),
    'docs/api.md': apiReference(openApiText()),
    'client/api-types.ts': await clientTypes(),
    'client/operations.ts': await clientOperations(openApiText()),
    'examples/python/ephemera_client/generated.py': pythonClient(openApiText()),
    'docs/cli.md': await format(cliMarkdown(), { parser: 'markdown', printWidth: 120 }),
    'docs/adding-a-cloud.md': await addingACloud(),
    'docs/openapi.json': await format(openApiText(), { parser: 'json', printWidth: 120 }),
  };
}

async function addingACloud(): Promise<string> {
  const page = await readFile(new URL('docs/adding-a-cloud.md', ROOT), 'utf8');
  return format(await withCode(page, ROOT), { parser: 'markdown', printWidth: 120, singleQuote: true });
}

/** The paths of documents that are not as the code says. */
export async function outdatedDocs(): Promise<string[]> {
  const outdated: string[] = [];
  for (const [path, text] of Object.entries(await generatedDocs())) {
    if ((await readFile(new URL(path, ROOT), 'utf8').catch(() => '')) !== text) outdated.push(path);
  }
  return outdated;
}

async function clientTypes(): Promise<string> {
  const types = astToString(await openapiTypes(openApiText(), { defaultNonNullable: false }));
  const text = `/** Generated from docs/openapi.json by dev/generate-docs.ts. */\n${types}`;
  return format(text, { parser: 'typescript', printWidth: 120, singleQuote: true });
}

function errorsMarkdown(): string {
  const api = Object.entries(API_ERROR).map(
    ([code, { status, title, todo }]) =>
      `| <a id="${code}"></a>\`${code}\` | ${status} | ${title} | ${todoText(todo)} |`,
  );
  const provider = Object.entries(PROVIDER_ERROR).map(
    ([code, { kind, title, todo }]) => `| <a id="provider-${code}"></a>\`${code}\` | ${kind} | ${title} | ${todo} |`,
  );
  return [
    '# Error codes',
    '',
    'Generated from `domain/error-codes.ts` and `domain/machine/error-codes.ts` by `dev/generate-docs.ts`.',
    '',
    '## Of the API',
    '',
    'Each is the `code` of an `application/problem+json` answer (RFC 9457); its `requestId` is in the log too.',
    '',
    '| code | status | meaning | what to do |',
    '| --- | --- | --- | --- |',
    ...api,
    '',
    '## Of machine providers',
    '',
    'They appear in the timeline and details of a VM and in the Temporal Web UI. A `retryable` one is tried again with',
    'back-off; a `terminal` one ends the VM.',
    '',
    '| code | kind | meaning | what to do |',
    '| --- | --- | --- | --- |',
    ...provider,
    '',
  ].join('\n');
}

function metricsMarkdown(): string {
  const rows = Object.entries(METRICS as Record<string, MetricDefinition>).map(
    ([name, { kind, from, labels, help }]) => {
      const shownLabels = labels.map((label) => `\`${label}\``).join(', ');
      return `| <a id="${name}"></a>\`${name}\` | ${kind} | ${from.join(', ')} | ${shownLabels} | ${help} |`;
    },
  );
  return [
    '# Metrics',
    '',
    'Generated from `domain/metrics.ts` by `dev/generate-docs.ts`. [observability.md](observability.md) says where to',
    'read them.',
    '',
    '| metric | kind | shown by | labels | what it tells |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'A histogram has the usual three series: `_bucket` with the label `le`, `_sum` and `_count`.',
    '',
    'Besides these, API and worker show what Node.js tells of their process (`process_…`, `nodejs_…`), and the worker the',
    "metrics of Temporal's SDK (`temporal_…`, counters with `_total`, durations in `_seconds`).",
    '',
  ].join('\n');
}

async function main(): Promise<void> {
  if (process.argv.includes('--check')) {
    const outdated = await outdatedDocs();
    for (const path of outdated) process.stderr.write(`${path} is not up to date: run tsx dev/generate-docs.ts\n`);
    if (outdated.length > 0) process.exitCode = 1;
    return;
  }
  for (const [path, text] of Object.entries(await generatedDocs())) await writeFile(new URL(path, ROOT), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
