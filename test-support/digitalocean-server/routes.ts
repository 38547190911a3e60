/** DigitalOcean's API v2, as far as droplets need it: each route with its name, what it takes, and what it does. */
import { badRequest, notFound, pendingEvent, unprocessable } from './api-error.ts';
import { checkTagName, type BodyShape } from './checked-fields.ts';
import { DROPLET_ACTIONS, type ActionBody } from './droplet-actions.ts';
import type { DigitalOceanModel } from './model.ts';
import { pageOf } from './paging.ts';
import type { Droplet, DropletCreate } from './resources.ts';
import type { TaggedType } from './tags.ts';
import * as views from './views.ts';

export interface RouteCall {
  model: DigitalOceanModel;
  params: Record<string, string>;
  url: URL;
  body: Record<string, unknown>;
}

export interface Route {
  /** `droplets.create`. */
  operation: string;
  verb: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below `/v2`; `{x}` is a parameter. */
  path: string;
  query: readonly string[];
  body?: BodyShape;
  /** The action of a body, which makes an operation of its own of the route. */
  actions?: Readonly<Record<string, BodyShape>>;
  status: number;
  /** What the answer has in it; undefined where it is empty. */
  run: (call: RouteCall) => unknown;
}

const PAGE = ['page', 'per_page'];
const param = ({ params }: Pick<RouteCall, 'params'>, name: string): string => params[name] ?? '';

const CREATE_FIELDS: BodyShape = {
  fields: {
    name: 'string',
    names: 'strings',
    region: 'string',
    size: 'string',
    image: 'integerOrString',
    ssh_keys: 'integersOrStrings',
    backups: 'boolean',
    backup_policy: 'object',
    ipv6: 'boolean',
    monitoring: 'boolean',
    tags: 'strings',
    user_data: 'string',
    private_networking: 'boolean',
    volumes: 'strings',
    vpc_uuid: 'string',
    with_droplet_agent: 'boolean',
    public_networking: 'boolean',
  },
  required: ['size', 'image'],
};

const TAGGED: BodyShape = { fields: { resources: 'resources' }, required: ['resources'] };

/** Droplets by tag or by name, never by both. */
function dropletsOf({ model, url }: RouteCall): Droplet[] {
  const [tag, name, type] = ['tag_name', 'name', 'type'].map((key) => url.searchParams.get(key));
  if (tag && (name || type)) throw badRequest('tag_name: it cannot be combined with name or type');
  if (type === 'gpus') return [];
  if (type && type !== 'droplets') throw badRequest('type: must be droplets or gpus');
  return [...model.droplets.values()].filter(
    (droplet) =>
      (!tag || model.tags.shows(tag, 'droplet', droplet.id)) &&
      (!name || droplet.name.toLowerCase() === name.toLowerCase()),
  );
}

const dropletRoutes: Route[] = [
  {
    operation: 'droplets.create',
    verb: 'POST',
    path: 'droplets',
    query: [],
    body: CREATE_FIELDS,
    status: 202,
    run: ({ model, body }) => {
      if ('name' in body === 'names' in body) throw unprocessable('name: either name or names is required');
      const made = model.create(body as unknown as DropletCreate);
      const links = { actions: made.map(({ action }) => views.actionLink(action, 'create')) };
      const droplets = made.map(({ droplet }) => views.dropletView(model, droplet));
      return 'names' in body ? { droplets, links } : { droplet: droplets[0], links };
    },
  },
  {
    operation: 'droplets.list',
    verb: 'GET',
    path: 'droplets',
    query: [...PAGE, 'tag_name', 'name', 'type'],
    status: 200,
    run: (call) => {
      const found = dropletsOf(call).map((droplet) => views.dropletView(call.model, droplet));
      return pageOf('droplets', found, call.url);
    },
  },
  {
    operation: 'droplets.deleteByTag',
    verb: 'DELETE',
    path: 'droplets',
    query: ['tag_name'],
    status: 204,
    run: (call) => {
      const tag = call.url.searchParams.get('tag_name') ?? '';
      if (tag === '') throw badRequest('tag_name: is required');
      call.model.tags.get(tag);
      for (const droplet of dropletsOf(call)) call.model.delete(droplet);
    },
  },
  {
    operation: 'droplets.get',
    verb: 'GET',
    path: 'droplets/{id}',
    query: [],
    status: 200,
    run: (call) => ({ droplet: views.dropletView(call.model, call.model.droplet(param(call, 'id'))) }),
  },
  {
    operation: 'droplets.delete',
    verb: 'DELETE',
    path: 'droplets/{id}',
    query: [],
    status: 204,
    run: (call) => call.model.delete(call.model.droplet(param(call, 'id'))),
  },
  {
    operation: 'droplets.snapshots',
    verb: 'GET',
    path: 'droplets/{id}/snapshots',
    query: PAGE,
    status: 200,
    run: (call) => {
      const { id } = call.model.droplet(param(call, 'id'));
      const own = [...call.model.images.snapshots.values()].filter(({ dropletId }) => dropletId === id);
      const shown = own.map((one) => views.imageView(call.model, one));
      return pageOf('snapshots', shown, call.url);
    },
  },
  {
    operation: 'dropletActions',
    verb: 'POST',
    path: 'droplets/{id}/actions',
    query: [],
    actions: Object.fromEntries(Object.entries(DROPLET_ACTIONS).map(([type, { shape }]) => [type, shape])),
    status: 201,
    run: (call) => {
      const droplet = call.model.droplet(param(call, 'id'));
      if (droplet.pending !== null) throw pendingEvent();
      const body = call.body as unknown as ActionBody;
      const started = DROPLET_ACTIONS[body.type]?.start(call.model, droplet, body);
      return { action: started && views.actionView(call.model, started) };
    },
  },
  {
    operation: 'dropletActions.list',
    verb: 'GET',
    path: 'droplets/{id}/actions',
    query: PAGE,
    status: 200,
    run: (call) => {
      const { id } = call.model.droplet(param(call, 'id'));
      const shown = call.model.actions.of('droplet', id).map((one) => views.actionView(call.model, one));
      return pageOf('actions', shown, call.url);
    },
  },
  {
    operation: 'dropletActions.get',
    verb: 'GET',
    path: 'droplets/{id}/actions/{action}',
    query: [],
    status: 200,
    run: (call) => {
      const action = call.model.actions.get(param(call, 'action'));
      if (action.resource_id !== Number(param(call, 'id'))) throw notFound();
      return { action: views.actionView(call.model, action) };
    },
  },
];

/** What tags are put on and taken from. @throws ApiError 404 where one of them is not there. */
function resourcesOf({ model, body }: RouteCall): { type: TaggedType; id: number }[] {
  const given = body['resources'] as { resource_id: string; resource_type: string }[];
  return given.map(({ resource_id, resource_type }) => {
    if (resource_type === 'droplet') return { type: 'droplet', id: model.droplet(resource_id).id };
    if (resource_type === 'image') return { type: 'image', id: model.images.snapshot(resource_id).id };
    throw notFound();
  });
}

const tagRoutes: Route[] = [
  {
    operation: 'tags.create',
    verb: 'POST',
    path: 'tags',
    query: [],
    body: { fields: { name: 'string' }, required: ['name'] },
    status: 201,
    run: ({ model, body }) => {
      const { name } = model.tags.make(String(body['name']));
      return { tag: views.tagView(model, name) };
    },
  },
  {
    operation: 'tags.list',
    verb: 'GET',
    path: 'tags',
    query: PAGE,
    status: 200,
    run: ({ model, url }) => {
      const shown = model.tags.all().map(({ name }) => views.tagView(model, name));
      return pageOf('tags', shown, url);
    },
  },
  {
    operation: 'tags.get',
    verb: 'GET',
    path: 'tags/{tag}',
    query: [],
    status: 200,
    run: (call) => ({ tag: views.tagView(call.model, param(call, 'tag')) }),
  },
  {
    operation: 'tags.delete',
    verb: 'DELETE',
    path: 'tags/{tag}',
    query: [],
    status: 204,
    run: (call) => call.model.tags.delete(param(call, 'tag')),
  },
  {
    operation: 'tags.assign',
    verb: 'POST',
    path: 'tags/{tag}/resources',
    query: [],
    body: TAGGED,
    status: 204,
    run: (call) => {
      checkTagName(param(call, 'tag'), 'tag');
      const tag = call.model.tags.get(param(call, 'tag'));
      for (const { type, id } of resourcesOf(call)) call.model.tags.assign(tag, type, id);
    },
  },
  {
    operation: 'tags.unassign',
    verb: 'DELETE',
    path: 'tags/{tag}/resources',
    query: [],
    body: TAGGED,
    status: 204,
    run: (call) => {
      const tag = call.model.tags.get(param(call, 'tag'));
      for (const { type, id } of resourcesOf(call)) tag.resources.delete(`${type}/${id}`);
    },
  },
];

export const ROUTES: readonly Route[] = [...dropletRoutes, ...tagRoutes];
