/** The whole API, as a table of contents. */
import { packageVersion } from '../lib/processes/package-version.ts';
import { exchangeRoute } from './agents/exchange-route.ts';
import { datasourceRoute } from './agents/datasource-route.ts';
import { linkRoute } from './agents/link-route.ts';
import { reportRoute } from './agents/report-route.ts';
import { vmServerRoute } from './agents/vm-server-route.ts';
import { createKeyRoute, listKeysRoute, revokeKeyRoute, rotateKeyRoute } from './keys/key-routes.ts';
import { listAuditRoute } from './audit/audit-route.ts';
import { joinRoute, joinTokenRoute } from './hosts/join-routes.ts';
import {
  cordonHostRoute,
  drainHostRoute,
  listHostsRoute,
  removeHostRoute,
  uncordonHostRoute,
} from './hosts/host-routes.ts';
import {
  closeVmRoute,
  deleteImageRoute,
  listImagesRoute,
  listSessionsRoute,
  reopenVmRoute,
  snapshotVmRoute,
} from './images/image-routes.ts';
import { getSessionRoute, signInRoute, signOutRoute } from './browser/session-routes.ts';
import { watchEventsRoute } from './events/event-routes.ts';
import { createLinkRoute, linkKeyRoute, revokeLinksRoute, revokeVmLinksRoute } from './links/link-routes.ts';
import type { Route } from './http/route.ts';
import {
  deleteMachineImageRoute,
  getMachineImageRoute,
  listMachineImagesRoute,
} from './machine-images/machine-image-routes.ts';
import { listPoolsRoute, poolHistoryRoute } from './pools/pool-routes.ts';
import { cancelRequestRoute, getRequestRoute } from './requests/request-routes.ts';
import { openApiDocument } from './openapi.ts';
import { docsRoute, errorDocsRoute, openApiRoute } from './service/document-routes.ts';
import { healthRoute, readyRoute } from './service/health-routes.ts';
import { execRoute, execSocketRoute } from './streams/exec-routes.ts';
import { readFilesRoute, writeFilesRoute } from './streams/files-routes.ts';
import { portRoute } from './streams/port-route.ts';
import { sweepRoute } from './service/sweeps/sweep-route.ts';
import { listSweepRunsRoute } from './service/sweeps/sweep-runs-route.ts';
import {
  deleteTemplateRoute,
  getTemplateRoute,
  listTemplatesRoute,
  putTemplateRoute,
} from './templates/template-routes.ts';
import { drainVmRoute, holdVmRoute, setConnectionsRoute, undrainVmRoute } from './vms/action-routes.ts';
import { createVmRoute } from './vms/create/create-route.ts';
import { destroyVmRoute } from './vms/destroy-route.ts';
import { getVmRoute } from './vms/get-route.ts';
import { listVmsRoute } from './vms/list-route.ts';
import { resumeVmRoute, startVmRoute, stopVmRoute, suspendVmRoute } from './vms/power/power-routes.ts';
import {
  createWebhookRoute,
  deleteWebhookRoute,
  enableWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  redeliverRoute,
  testWebhookRoute,
} from './webhooks/webhook-routes.ts';
import { consoleRoute, timelineRoute } from './vms/story-routes.ts';

export const ROUTES: readonly Route[] = [
  createVmRoute,
  listVmsRoute,
  getVmRoute,
  destroyVmRoute,
  drainVmRoute,
  undrainVmRoute,
  holdVmRoute,
  setConnectionsRoute,
  stopVmRoute,
  startVmRoute,
  closeVmRoute,
  reopenVmRoute,
  snapshotVmRoute,
  suspendVmRoute,
  resumeVmRoute,
  getRequestRoute,
  cancelRequestRoute,
  timelineRoute,
  consoleRoute,
  watchEventsRoute,
  createWebhookRoute,
  listWebhooksRoute,
  getWebhookRoute,
  deleteWebhookRoute,
  enableWebhookRoute,
  testWebhookRoute,
  redeliverRoute,
  createLinkRoute,
  revokeLinksRoute,
  revokeVmLinksRoute,
  linkKeyRoute,
  portRoute,
  execRoute,
  execSocketRoute,
  readFilesRoute,
  writeFilesRoute,
  listTemplatesRoute,
  getTemplateRoute,
  putTemplateRoute,
  deleteTemplateRoute,
  listPoolsRoute,
  poolHistoryRoute,
  listSessionsRoute,
  listImagesRoute,
  deleteImageRoute,
  listMachineImagesRoute,
  getMachineImageRoute,
  deleteMachineImageRoute,
  listHostsRoute,
  // Before the paths with an id, which would take these for one.
  joinTokenRoute,
  joinRoute,
  cordonHostRoute,
  uncordonHostRoute,
  drainHostRoute,
  removeHostRoute,
  exchangeRoute,
  reportRoute,
  linkRoute,
  datasourceRoute,
  vmServerRoute,
  signInRoute,
  getSessionRoute,
  signOutRoute,
  sweepRoute,
  listSweepRunsRoute,
  listKeysRoute,
  createKeyRoute,
  rotateKeyRoute,
  revokeKeyRoute,
  listAuditRoute,
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
