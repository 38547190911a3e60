import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { pageTokenOf, positionOf } from '../projection/page-token.ts';
import type { Position } from '../projection/sorted-records.ts';
import { DEFAULT_PAGE_SIZE, listQuerySchema, MAX_FRESH_PAGE_SIZE } from '../schemas/requests.ts';
import { vmListSchema } from '../schemas/vm.ts';
import { mayAct, withoutActions } from './seen/vm-actions.ts';
import type { VmRecord } from './seen/vm-record.ts';
import { presented } from './seen/vm-reply.ts';

const FRESH_SECONDS = 2;

export const listVmsRoute = keyedRoute({
  method: 'get',
  path: '/v1/vms',
  operationId: 'listVms',
  tag: 'VMs',
  summary: 'List the VMs of the project',
  description:
    'Oldest first. VMs that have ended are shown only when `state` asks for them. A page is read from memory that ' +
    'follows Temporal within about a second; it is answered also while Temporal is away.',
  access: 'viewer',
  query: listQuerySchema,
  replies: { 200: { description: 'A page of VMs.', schema: vmListSchema } },
  errors: ['notReady'],
  handle: async ({ project, caller, query }, api) => {
    if (!api.feed.loaded) {
      throw new ApiProblem('notReady', 'The list of VMs is being read', { headers: { 'retry-after': '1' } });
    }
    const filter = {
      states: query.state ?? null,
      template: query.template ?? null,
      labels: (query.label ?? []).map(splitLabel),
      inUse: query.inUse ?? null,
      provider: query.provider ?? null,
      zone: query.zone ?? null,
      host: query.host ?? null,
      createdBy: query.createdBy ?? null,
    };
    const asked = query.pageSize ?? DEFAULT_PAGE_SIZE;
    const pageSize = query.fresh ? Math.min(asked, MAX_FRESH_PAGE_SIZE) : asked;
    const page = api.projection.page(
      project,
      filter,
      pageSize,
      query.pageToken === undefined ? undefined : positionOf(query.pageToken),
    );
    const json = query.fresh ? await freshJson(api, page.records) : page.json;
    const shown = mayAct(caller.role) ? json : json.map(withoutActions);
    return { status: 200, json: listJson(shown, page.next) };
  },
});

function splitLabel(label: string): readonly [string, string] {
  const index = label.indexOf('=');
  return [label.slice(0, index), label.slice(index + 1)];
}

/** Asks all workflows at once under one deadline; those that do not answer are shown as last seen. */
async function freshJson(api: ApiContext, records: VmRecord[]): Promise<string[]> {
  const fresh = await Promise.all(records.map((record) => api.directory.fresh(record, FRESH_SECONDS)));
  return fresh.map((record) => {
    api.projection.see(record);
    return JSON.stringify(presented(api, record));
  });
}

function listJson(vms: string[], next: Position | undefined): string {
  const token = next ? `,"nextPageToken":"${pageTokenOf(next)}"` : '';
  return `{"vms":[${vms.join(',')}]${token}}`;
}
