/** The operations of Resource Manager that this server has: each with its name, the parameters it knows, and what it does. */
import { invalidParameter } from './arm-error.ts';
import type { Shape } from './checked-fields.ts';
import type { AzureModel } from './model.ts';
import type { AnyResource } from './resources.ts';
import type { Answer } from './store.ts';

export interface RouteCall {
  model: AzureModel;
  params: Record<string, string>;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Checked against the route's shape. */
  body: unknown;
  /** `http://HOST`. */
  base: string;
}

export interface Route {
  /** As the official client names it: `virtualMachines.createOrUpdate`. */
  method: string;
  verb: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the subscription; `{x}` is a parameter, all else is compared without regard to case. */
  path: string;
  versions: readonly string[];
  /** Parameters besides `api-version`. */
  query?: readonly string[];
  body?: Shape;
  /** What the caller must be allowed to do. */
  action?: string;
  /** As calls are counted against the limits of the compute API. */
  counted?: string;
  run: (call: RouteCall) => Answer;
}

export const VERSIONS = {
  compute: ['2024-07-01', '2024-11-01', '2025-04-01', '2025-11-01', '2026-04-01'],
  disks: ['2024-03-02', '2025-01-02', '2026-03-02'],
  galleries: ['2024-03-03', '2025-03-03', '2025-12-03'],
  skus: ['2019-04-01', '2021-07-01'],
  network: ['2024-05-01', '2025-01-01', '2025-05-01', '2026-01-01'],
  resources: ['2021-04-01', '2022-09-01', '2024-03-01', '2025-04-01'],
  authorization: ['2018-07-01', '2022-04-01'],
} as const;

const PAGE = 50;

export function param({ params }: Pick<RouteCall, 'params'>, name: string): string {
  return params[name] ?? '';
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

/** One page of a list, with a link to the next one. */
export function page(call: RouteCall, all: readonly unknown[], path: string): Answer {
  const from = Number(call.query.get('$skiptoken') ?? '0');
  if (!Number.isInteger(from)) throw invalidParameter('$skiptoken', 'The skip token is not valid.');
  const query = new URLSearchParams(call.query);
  query.set('$skiptoken', `${from + PAGE}`);
  const isMore = all.length > from + PAGE;
  const value = all.slice(from, from + PAGE);
  return ok({ value, ...(isMore ? { nextLink: `${call.base}${path}?${query.toString()}` } : {}) });
}

/** How the names of a type's operations go where they are the same for several types. */
export interface PlainType {
  /** `networkInterfaces`. */
  client: string;
  /** `Microsoft.Network/networkInterfaces`. */
  type: string;
  versions: readonly string[];
  /** Of its path: one name for each part of the type. */
  names: readonly string[];
  /** Names of the lists within the resource group and in the subscription. */
  lists: { inGroup?: string; all?: string };
  put?: { method: string; shape: Shape; run: (names: string[], body: unknown, call: RouteCall) => Answer };
  patch?: { method: string; shape: Shape; run: (resource: AnyResource, body: unknown) => Answer };
  remove?: (resource: AnyResource, model: AzureModel) => Answer;
  counted?: { get?: string; list?: string };
  /** Parameters of a get. */
  query?: readonly string[];
}

const GROUP = 'resourceGroups/{group}';

export function pathOf(type: string, names: readonly string[]): string {
  const [namespace = '', ...types] = type.split('/');
  const parts = types.map((one, index) => (index < names.length ? `${one}/{${names[index]}}` : one));
  return `${GROUP}/providers/${namespace}/${parts.join('/')}`;
}

/** Get, lists, put, patch and delete of a type that has nothing particular about them. */
export function plainRoutes(plain: PlainType): Route[] {
  const { client, type, versions, names, lists, put, patch, remove, counted = {} } = plain;
  const path = pathOf(type, names);
  const parents = names.slice(0, -1);
  const found = (call: RouteCall): AnyResource => call.model.store.get(type, ...names.map((name) => param(call, name)));
  const list = (method: string, at: string): Route => ({
    method: `${client}.${method}`,
    verb: 'GET',
    path: at,
    versions,
    query: ['$skiptoken'],
    action: `${type}/read`,
    ...(counted.list === undefined ? {} : { counted: counted.list }),
    run: (call) => {
      const above = parents.map((name) => param(call, name));
      if (above.length > 0) call.model.store.get(type.split('/').slice(0, -1).join('/'), ...above);
      const resources = call.model.store.all(type, ...above);
      return page(call, resources, `/subscriptions/${call.model.options.subscription}/${filled(at, call)}`);
    },
  });
  const [namespace = '', kind = ''] = type.split('/');
  return [
    {
      method: `${client}.get`,
      verb: 'GET',
      path,
      versions,
      query: plain.query ?? [],
      action: `${type}/read`,
      ...(counted.get === undefined ? {} : { counted: counted.get }),
      run: (call) => ok(found(call)),
    },
    ...(lists.inGroup === undefined ? [] : [list(lists.inGroup, pathOf(type, parents))]),
    ...(lists.all === undefined ? [] : [list(lists.all, `providers/${namespace}/${kind}`)]),
    ...(put === undefined
      ? []
      : [
          {
            method: `${client}.${put.method}`,
            verb: 'PUT' as const,
            path,
            versions,
            body: put.shape,
            action: `${type}/write`,
            run: (call: RouteCall) =>
              put.run(
                names.map((name) => param(call, name)),
                withProperties(call.body),
                call,
              ),
          },
        ]),
    ...(patch === undefined
      ? []
      : [
          {
            method: `${client}.${patch.method}`,
            verb: 'PATCH' as const,
            path,
            versions,
            body: patch.shape,
            action: `${type}/write`,
            run: (call: RouteCall) => patch.run(found(call), call.body),
          },
        ]),
    ...(remove === undefined
      ? []
      : [
          {
            method: `${client}.delete`,
            verb: 'DELETE' as const,
            path,
            versions,
            action: `${type}/delete`,
            run: (call: RouteCall): Answer => {
              const resource = call.model.store.find(type, ...names.map((name) => param(call, name)));
              return resource === undefined ? { status: 204 } : remove(resource, call.model);
            },
          },
        ]),
  ];
}

function filled(path: string, { params }: RouteCall): string {
  return path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => params[name] ?? '');
}

/** A body that leaves its properties out has none. */
export function withProperties(body: unknown): object {
  return { properties: {}, ...(body as object) };
}
