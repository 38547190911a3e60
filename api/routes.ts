/** The whole API, as a table of contents. */
import { readFileSync } from 'node:fs';
import { exchangeRoute } from './agents/exchange-route.ts';
import { datasourceRoute } from './agents/datasource-route.ts';
import { reportRoute } from './agents/report-route.ts';
import { vmServerRoute } from './agents/vm-server-route.ts';
import type { Route } from './http/route.ts';
import { openApiDocument } from './openapi.ts';
import { docsRoute, errorDocsRoute, openApiRoute } from './service/document-routes.ts';
import { healthRoute, readyRoute } from './service/health-routes.ts';
import { sweepRoute } from './service/sweep-route.ts';
import { drainVmRoute, holdVmRoute, undrainVmRoute } from './vms/action-routes.ts';
import { createVmRoute } from './vms/create-route.ts';
import { destroyVmRoute } from './vms/destroy-route.ts';
import { getVmRoute } from './vms/get-route.ts';
import { listVmsRoute } from './vms/list-route.ts';
import { consoleRoute, timelineRoute } from './vms/story-routes.ts';

export const ROUTES: readonly Route[] = [
  createVmRoute,
  listVmsRoute,
  getVmRoute,
  destroyVmRoute,
  drainVmRoute,
  undrainVmRoute,
  holdVmRoute,
  timelineRoute,
  consoleRoute,
  exchangeRoute,
  reportRoute,
  datasourceRoute,
  vmServerRoute,
  sweepRoute,
  healthRoute,
  readyRoute,
  openApiRoute(() => (documentText ??= openApiText())),
  docsRoute,
  errorDocsRoute,
];

let documentText: string | undefined;

/** The OpenAPI document as it is served. */
export function openApiText(): string {
  return JSON.stringify(openApiDocument(ROUTES, packageVersion()));
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
