/** What a droplet is made of, and what it may leave: images, snapshots, addresses, and what the account has. */
import { badRequest, notFound, unprocessable } from './api-error.ts';
import { pageOf } from './paging.ts';
import type { Route, RouteCall } from './routes.ts';
import * as views from './views.ts';

const PAGE = ['page', 'per_page'];
const param = ({ params }: Pick<RouteCall, 'params'>, name: string): string => params[name] ?? '';

const imageRoutes: Route[] = [
  {
    operation: 'images.list',
    verb: 'GET',
    path: 'images',
    query: [...PAGE, 'type', 'private', 'tag_name'],
    status: 200,
    run: ({ model, url }) => {
      const tag = url.searchParams.get('tag_name');
      const type = url.searchParams.get('type');
      if (type !== null && type !== 'distribution' && type !== 'application') throw badRequest('type: unknown');
      const isPrivate = url.searchParams.get('private') === 'true';
      const found = model.images
        .all()
        .filter((image) => !isPrivate || !image.public)
        .filter((image) => type === null || image.public)
        .filter(({ id }) => tag === null || model.tags.shows(tag, 'image', id));
      const shown = found.map((image) => views.imageView(model, image));
      return pageOf('images', shown, url);
    },
  },
  {
    operation: 'images.get',
    verb: 'GET',
    path: 'images/{id}',
    query: [],
    status: 200,
    run: (call) => ({ image: views.imageView(call.model, call.model.images.get(param(call, 'id'))) }),
  },
  {
    operation: 'images.update',
    verb: 'PUT',
    path: 'images/{id}',
    query: [],
    body: { fields: { name: 'string', description: 'string', distribution: 'string' }, required: [] },
    status: 200,
    run: (call) => {
      const image = call.model.images.snapshot(param(call, 'id'));
      Object.assign(image, call.body);
      return { image: views.imageView(call.model, image) };
    },
  },
  {
    operation: 'images.delete',
    verb: 'DELETE',
    path: 'images/{id}',
    query: [],
    status: 204,
    run: deleteSnapshot,
  },
  {
    operation: 'snapshots.list',
    verb: 'GET',
    path: 'snapshots',
    query: [...PAGE, 'resource_type'],
    status: 200,
    run: ({ model, url }) => {
      const type = url.searchParams.get('resource_type');
      if (type !== null && type !== 'droplet' && type !== 'volume') throw badRequest('resource_type: unknown');
      const found = type === 'volume' ? [] : [...model.images.snapshots.values()];
      const shown = found.map((snapshot) => views.snapshotView(model, snapshot));
      return pageOf('snapshots', shown, url);
    },
  },
  {
    operation: 'snapshots.get',
    verb: 'GET',
    path: 'snapshots/{id}',
    query: [],
    status: 200,
    run: (call) => {
      checkIsSnapshot(call);
      return { snapshot: views.snapshotView(call.model, call.model.images.snapshot(param(call, 'id'))) };
    },
  },
  {
    operation: 'snapshots.delete',
    verb: 'DELETE',
    path: 'snapshots/{id}',
    query: [],
    status: 204,
    run: (call) => {
      checkIsSnapshot(call);
      deleteSnapshot(call);
    },
  },
];

function deleteSnapshot(call: RouteCall): void {
  const { id } = call.model.images.snapshot(param(call, 'id'));
  call.model.images.snapshots.delete(id);
  call.model.tags.forget('image', id);
}

function checkIsSnapshot(call: RouteCall): void {
  const isPublic = call.model.images.public.some(({ id }) => `${id}` === param(call, 'id'));
  if (isPublic) throw badRequest('the resource is not a snapshot');
}

const reservedIpRoutes: Route[] = [
  {
    operation: 'reservedIps.list',
    verb: 'GET',
    path: 'reserved_ips',
    query: PAGE,
    status: 200,
    run: ({ model, url }) => {
      const shown = [...model.reservedIps.all.values()].map((one) => views.reservedIpView(model, one));
      return pageOf('reserved_ips', shown, url);
    },
  },
  {
    operation: 'reservedIps.create',
    verb: 'POST',
    path: 'reserved_ips',
    query: [],
    body: { fields: { region: 'string', droplet_id: 'integer', project_id: 'string' }, required: [] },
    status: 202,
    run: ({ model, body }) => {
      const { region, droplet_id } = body as { region?: string; droplet_id?: number };
      if ((region === undefined) === (droplet_id === undefined)) {
        throw unprocessable('droplet_id: either droplet_id or region is required');
      }
      const droplet = droplet_id === undefined ? undefined : model.droplet(droplet_id);
      const place = droplet?.region ?? region ?? '';
      if (!model.options.regions.some(({ slug }) => slug === place)) throw unprocessable('region: there is none such');
      const { reserved, action } = model.reservedIps.create(place, droplet);
      const links = {
        droplets:
          droplet === undefined
            ? []
            : [{ id: droplet.id, rel: 'droplet', href: `${views.API}/droplets/${droplet.id}` }],
        actions: action === undefined ? [] : [views.actionLink(action, 'assign_ip')],
      };
      return { reserved_ip: views.reservedIpView(model, reserved), links };
    },
  },
  {
    operation: 'reservedIps.get',
    verb: 'GET',
    path: 'reserved_ips/{ip}',
    query: [],
    status: 200,
    run: (call) => ({
      reserved_ip: views.reservedIpView(call.model, call.model.reservedIps.get(param(call, 'ip'))),
    }),
  },
  {
    operation: 'reservedIps.delete',
    verb: 'DELETE',
    path: 'reserved_ips/{ip}',
    query: [],
    status: 204,
    run: (call) => call.model.reservedIps.delete(call.model.reservedIps.get(param(call, 'ip'))),
  },
  {
    operation: 'reservedIpActions',
    verb: 'POST',
    path: 'reserved_ips/{ip}/actions',
    query: [],
    actions: {
      assign: { fields: { type: 'string', droplet_id: 'integer' }, required: ['type', 'droplet_id'] },
      unassign: { fields: { type: 'string' }, required: ['type'] },
    },
    status: 201,
    run: ({ model, params, body }) => {
      const reserved = model.reservedIps.get(param({ params }, 'ip'));
      const action =
        body['type'] === 'assign'
          ? model.reservedIps.assign(reserved, model.droplet(Number(body['droplet_id'])))
          : model.reservedIps.unassign(reserved);
      return { action: views.actionView(model, action) };
    },
  },
  {
    operation: 'reservedIpActions.get',
    verb: 'GET',
    path: 'reserved_ips/{ip}/actions/{action}',
    query: [],
    status: 200,
    run: (call) => ({ action: views.actionView(call.model, call.model.actions.get(param(call, 'action'))) }),
  },
];

const accountRoutes: Route[] = [
  {
    operation: 'account.get',
    verb: 'GET',
    path: 'account',
    query: [],
    status: 200,
    run: ({ model }) => ({
      account: {
        droplet_limit: model.dropletLimit,
        floating_ip_limit: model.reservedIps.limit,
        email: 'operators@example.com',
        name: 'Operators',
        uuid: model.account.uuid,
        email_verified: true,
        status: model.account.status,
        status_message: '',
        team: { uuid: model.account.uuid, name: 'Operators' },
      },
    }),
  },
  {
    operation: 'keys.list',
    verb: 'GET',
    path: 'account/keys',
    query: PAGE,
    status: 200,
    run: ({ model, url }) => pageOf('ssh_keys', model.sshKeys, url),
  },
  {
    operation: 'regions.list',
    verb: 'GET',
    path: 'regions',
    query: PAGE,
    status: 200,
    run: ({ model, url }) => {
      const shown = model.options.regions.map((region) => views.regionView(model, region));
      return pageOf('regions', shown, url);
    },
  },
  {
    operation: 'sizes.list',
    verb: 'GET',
    path: 'sizes',
    query: PAGE,
    status: 200,
    run: ({ model, url }) => {
      const shown = model.options.sizes.map((size) => views.sizeView(model, size));
      return pageOf('sizes', shown, url);
    },
  },
  {
    operation: 'vpcs.list',
    verb: 'GET',
    path: 'vpcs',
    query: PAGE,
    status: 200,
    run: ({ model, url }) => {
      const shown = model.vpcs.map(views.vpcView);
      return pageOf('vpcs', shown, url);
    },
  },
  {
    operation: 'vpcs.get',
    verb: 'GET',
    path: 'vpcs/{id}',
    query: [],
    status: 200,
    run: (call) => {
      const vpc = call.model.vpcs.find(({ id }) => id === param(call, 'id'));
      if (vpc === undefined) throw notFound();
      return { vpc: views.vpcView(vpc) };
    },
  },
  {
    operation: 'actions.get',
    verb: 'GET',
    path: 'actions/{id}',
    query: [],
    status: 200,
    run: (call) => ({ action: views.actionView(call.model, call.model.actions.get(param(call, 'id'))) }),
  },
];

export const OTHER_ROUTES: readonly Route[] = [...imageRoutes, ...reservedIpRoutes, ...accountRoutes];
