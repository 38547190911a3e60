/** Compute Engine v1 REST: each route with its method name, the query parameters it knows, and what it does. */
import { notFound } from './api-error.ts';
import type { BodyType } from './checked-fields.ts';
import { parseFilter } from './filters.ts';
import { pageOf } from './paging.ts';
import type { Image, Instance, MetadataItem, Operation } from './resources.ts';
import type { CloudModel } from './model.ts';

export interface RouteCall {
  model: CloudModel;
  params: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
  requestId: string | null;
}

export interface Route {
  /** `instances.insert`. */
  method: string;
  verb: 'GET' | 'POST' | 'DELETE';
  /** Path below the project; `{x}` is a parameter. */
  path: string;
  query: readonly string[];
  body?: BodyType;
  run: (call: RouteCall) => unknown;
}

const LIST_QUERY = ['filter', 'maxResults', 'pageToken', 'orderBy', 'returnPartialSuccess', 'includeAllScopes'];
const INSTANCE = 'zones/{zone}/instances/{name}';

function listed(kind: string, all: readonly unknown[], query: URLSearchParams): unknown {
  const { items, nextPageToken } = pageOf(all.filter(parseFilter(query.get('filter'))), query);
  return { kind, ...(items.length > 0 ? { items } : {}), ...(nextPageToken ? { nextPageToken } : {}) };
}

/** Aggregated lists page over the resources and group each page by zone; zones without any carry a warning. */
function aggregated({ model, query }: RouteCall, key: string, all: readonly { zone?: string }[]): unknown {
  const { items, nextPageToken } = pageOf(all.filter(parseFilter(query.get('filter'))), query);
  const empty = { code: 'NO_RESULTS_ON_PAGE', message: 'There are no results for this scope on this page.' };
  const scopes: Record<string, unknown> = {};
  for (const zone of model.options.zones) {
    const here = items.filter((item) => item.zone?.endsWith(`/${zone}`));
    scopes[`zones/${zone}`] = here.length > 0 ? { [key]: here } : { warning: empty };
  }
  return { kind: `compute#${key}AggregatedList`, items: scopes, ...(nextPageToken ? { nextPageToken } : {}) };
}

const param = ({ params }: Pick<RouteCall, 'params'>, name: string): string => params[name] ?? '';

function power(verb: 'stop' | 'start' | 'suspend' | 'resume'): Route {
  return {
    method: `instances.${verb}`,
    verb: 'POST',
    path: `${INSTANCE}/${verb}`,
    query: ['requestId', 'discardLocalSsd'],
    run: (call) => call.model.changePower(param(call, 'zone'), param(call, 'name'), verb, call.requestId),
  };
}

/** What of a list of permissions the caller has on one resource, whether it exists or not. */
function testPermissions(resources: string, path: string): Route {
  return {
    method: `${resources}.testIamPermissions`,
    verb: 'POST',
    path: `${path}/testIamPermissions`,
    query: [],
    body: 'TestPermissionsRequest',
    run: ({ model, body, params }) => {
      const { permissions = [] } = body as { permissions?: string[] };
      const granted = permissions.filter((permission) =>
        model.isGrantedOn(resources, param({ params }, 'name'), permission),
      );
      return granted.length > 0 ? { permissions: granted } : {};
    },
  };
}

const instanceRoutes: Route[] = [
  {
    method: 'instances.insert',
    verb: 'POST',
    path: 'zones/{zone}/instances',
    query: ['requestId', 'sourceInstanceTemplate'],
    body: 'Instance',
    run: (call) => call.model.insert(param(call, 'zone'), call.body as Instance, call.requestId),
  },
  {
    method: 'instances.get',
    verb: 'GET',
    path: INSTANCE,
    query: [],
    run: (call) => {
      const [zone, name] = [param(call, 'zone'), param(call, 'name')];
      call.model.require('compute.instances.get', call.model.path(zone, name));
      return call.model.instance(zone, name);
    },
  },
  {
    method: 'instances.delete',
    verb: 'DELETE',
    path: INSTANCE,
    query: ['requestId', 'noGracefulShutdown'],
    run: (call) => call.model.delete(param(call, 'zone'), param(call, 'name'), call.requestId),
  },
  {
    method: 'instances.list',
    verb: 'GET',
    path: 'zones/{zone}/instances',
    query: LIST_QUERY,
    run: (call) => {
      const zone = param(call, 'zone');
      call.model.zone(zone);
      const here = [...call.model.instances.values()].filter((instance) => instance.zone?.endsWith(`/${zone}`));
      return listed('compute#instanceList', here, call.query);
    },
  },
  {
    method: 'instances.aggregatedList',
    verb: 'GET',
    path: 'aggregated/instances',
    query: LIST_QUERY,
    run: (call) => {
      call.model.require('compute.instances.list', `projects/${call.model.options.project}`);
      return aggregated(call, 'instances', [...call.model.instances.values()]);
    },
  },
  power('stop'),
  power('start'),
  power('suspend'),
  power('resume'),
  {
    method: 'instances.setLabels',
    verb: 'POST',
    path: `${INSTANCE}/setLabels`,
    query: ['requestId'],
    body: 'InstancesSetLabelsRequest',
    run: (call) => {
      const { labels = {}, labelFingerprint = '' } = call.body as {
        labels?: Record<string, string>;
        labelFingerprint?: string;
      };
      return call.model.setLabels(param(call, 'zone'), param(call, 'name'), labels, labelFingerprint);
    },
  },
  {
    method: 'instances.setMetadata',
    verb: 'POST',
    path: `${INSTANCE}/setMetadata`,
    query: ['requestId'],
    body: 'Metadata',
    run: (call) => {
      const { items = [], fingerprint = '' } = call.body as { items?: MetadataItem[]; fingerprint?: string };
      return call.model.setMetadata(param(call, 'zone'), param(call, 'name'), items, fingerprint);
    },
  },
  testPermissions('instances', INSTANCE),
  {
    method: 'instances.getSerialPortOutput',
    verb: 'GET',
    path: `${INSTANCE}/serialPort`,
    query: ['port', 'start'],
    run: (call) => {
      const [zone, name] = [param(call, 'zone'), param(call, 'name')];
      call.model.require('compute.instances.getSerialPortOutput', call.model.path(zone, name));
      call.model.instance(zone, name);
      const contents = call.model.consoles.get(`${zone}/${name}`) ?? '';
      return { kind: 'compute#serialPortOutput', contents, start: '0', next: `${contents.length}` };
    },
  },
];

function operationRoutes(method: 'zoneOperations' | 'globalOperations', place: string): Route[] {
  const pathOf = (call: RouteCall): string =>
    `projects/${call.model.options.project}/${place.replace('{zone}', param(call, 'zone'))}/operations/${param(call, 'name')}`;
  const found = (call: RouteCall): Operation => {
    const operation = call.model.engine.get(param(call, 'name'), pathOf(call));
    const zone = operation.zone?.split('/').at(-1) ?? '';
    if (zone !== param(call, 'zone')) throw notFound(pathOf(call));
    return operation;
  };
  const path = `${place}/operations/{name}`;
  return [
    { method: `${method}.get`, verb: 'GET', path, query: [], run: found },
    {
      method: `${method}.wait`,
      verb: 'POST',
      path: `${path}/wait`,
      query: [],
      run: (call) => call.model.engine.wait(found(call).name, pathOf(call)),
    },
    {
      method: `${method}.list`,
      verb: 'GET',
      path: `${place}/operations`,
      query: LIST_QUERY,
      run: (call) => {
        const zone = param(call, 'zone');
        const here = [...call.model.engine.operations.values()].filter(
          (operation) => (operation.zone?.split('/').at(-1) ?? '') === zone,
        );
        return listed('compute#operationList', here, call.query);
      },
    },
  ];
}

const imageRoutes: Route[] = [
  {
    method: 'images.insert',
    verb: 'POST',
    path: 'global/images',
    query: ['requestId', 'forceCreate'],
    body: 'Image',
    run: ({ model, body, requestId, query }) =>
      model.images.insert(body as Partial<Image>, requestId, query.get('forceCreate') === 'true'),
  },
  {
    method: 'images.list',
    verb: 'GET',
    path: 'global/images',
    query: LIST_QUERY,
    run: ({ model, query }) => listed('compute#imageList', model.images.list(), query),
  },
  {
    method: 'images.getFromFamily',
    verb: 'GET',
    path: 'global/images/family/{name}',
    query: ['zone'],
    run: (call) =>
      call.model.images.resolve(`projects/${param(call, 'project')}/global/images/family/${param(call, 'name')}`),
  },
  {
    method: 'images.get',
    verb: 'GET',
    path: 'global/images/{name}',
    query: [],
    run: (call) => imageOf(call),
  },
  {
    method: 'images.deprecate',
    verb: 'POST',
    path: 'global/images/{name}/deprecate',
    query: ['requestId'],
    body: 'DeprecationStatus',
    run: (call) => call.model.images.deprecate(imageOf(call), call.body as { state?: string; replacement?: string }),
  },
  {
    method: 'images.delete',
    verb: 'DELETE',
    path: 'global/images/{name}',
    query: ['requestId'],
    run: (call) => call.model.images.delete(imageOf(call)),
  },
];

function imageOf(call: RouteCall): Image {
  return call.model.images.get(param(call, 'project'), param(call, 'name'));
}

const projectRoutes: Route[] = [
  testPermissions('subnetworks', 'regions/{region}/subnetworks/{name}'),
  {
    method: 'projects.get',
    verb: 'GET',
    path: '',
    query: [],
    run: ({ model }) => {
      model.require('compute.projects.get', `projects/${model.options.project}`);
      return { kind: 'compute#project', name: model.options.project };
    },
  },
  {
    method: 'zones.get',
    verb: 'GET',
    path: 'zones/{zone}',
    query: [],
    run: (call) => {
      call.model.zone(param(call, 'zone'));
      return { kind: 'compute#zone', name: param(call, 'zone'), status: 'UP' };
    },
  },
  {
    method: 'regions.get',
    verb: 'GET',
    path: 'regions/{region}',
    query: [],
    run: (call) => {
      const limit = Math.min(call.model.instanceQuota, 24);
      const usage = call.model.instances.size;
      const quotas = [
        { metric: 'INSTANCES', limit, usage },
        { metric: 'CPUS', limit: 24, usage: 2 * usage },
        { metric: 'SSD_TOTAL_GB', limit: 500, usage: 10 * usage },
      ];
      return { kind: 'compute#region', name: param(call, 'region'), status: 'UP', quotas };
    },
  },
];

export const ROUTES: readonly Route[] = [
  ...projectRoutes,
  ...instanceRoutes,
  {
    method: 'globalOperations.aggregatedList',
    verb: 'GET',
    path: 'aggregated/operations',
    query: LIST_QUERY,
    run: (call) => aggregated(call, 'operations', [...call.model.engine.operations.values()]),
  },
  ...operationRoutes('zoneOperations', 'zones/{zone}'),
  ...operationRoutes('globalOperations', 'global'),
  ...imageRoutes,
];
