import { LINK_PARAMETER } from '../../domain/gateway/link-parameter.ts';
import { vmLabel } from '../../domain/gateway/vm-host-name.ts';
import { sessionOf } from '../../domain/vm/spec.ts';
import { readRevokedLinks, revokeLinks } from '../../security/links/link-revocations.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import {
  DEFAULT_LINK_SECONDS,
  MAX_LINK_SECONDS,
  linkBodySchema,
  linkKeySchema,
  linkSchema,
  revokedLinksSchema,
} from '../schemas/link.ts';
import { vmPathSchema } from '../schemas/requests.ts';
import { hasEnded } from '../vms/seen/vm-record.ts';
import { describedVm } from '../vms/seen/vm-reply.ts';

export const createLinkRoute = keyedRoute({
  method: 'post',
  path: '/v1/vms/{name}/links',
  operationId: 'createLink',
  tag: 'Links',
  summary: 'Make a link that opens a port of a VM in a browser',
  description:
    'Through a gateway (docs/gateway.md), which lets nobody in without one. It is for this VM alone, also while it is stopped, and ' +
    'after it was closed and reopened; never for another VM that gets its name later. It can be taken back with all others of its VM ' +
    'or of the project.',
  access: 'operator',
  params: vmPathSchema,
  body: linkBodySchema,
  replies: { 201: { description: 'The link.', schema: linkSchema } },
  errors: ['unknownVm', 'unknownPort', 'noHostName', 'actionNotAllowed', 'temporalUnavailable'],
  handle: async ({ project, params: { name }, body, auditTarget }, api) => {
    const { port, user, expiresInSeconds: seconds = DEFAULT_LINK_SECONDS } = body;
    const { view } = (await describedVm(api, project, name)).record;
    if (hasEnded(view) && view.reason !== 'closed') {
      const named = 'any but destroyed or failed';
      throw new ApiProblem('actionNotAllowed', `${name} is ${view.state}: no link could open it`, { named });
    }
    const ports = view.spec.ports.filter(({ protocol }) => protocol === 'tcp').map((one) => one.port);
    if (!ports.includes(port)) {
      const named = ports.length === 0 ? 'none' : ports.join(', ');
      throw new ApiProblem('unknownPort', `${name} has no TCP port ${port} in its spec; it has: ${named}`, { named });
    }
    const label = vmLabel({ port, name, project });
    if (label === undefined) {
      throw new ApiProblem('noHostName', `No host name can name port ${port} of ${name} in project ${project}`);
    }
    const session = view.machineId === '' ? undefined : sessionOf(view);
    const subject = { project, name, uid: view.uid, ...(session === undefined ? {} : { session }), port };
    const made = api.links.issue(
      { ...subject, ...(user === undefined ? {} : { user }) },
      { nowMs: api.now(), seconds },
    );
    auditTarget({ name, port: `${port}`, ...(user === undefined ? {} : { user }) });
    const url = new URL(api.settings.gateway.url);
    url.hostname = `${label}.${url.hostname}`;
    url.search = `${LINK_PARAMETER}=${made.token}`;
    return { status: 201, body: { url: url.href, expiresAt: new Date(made.claims.expiresAt).toISOString() } };
  },
});

export const linkKeyRoute = keyedRoute({
  method: 'get',
  path: '/v1/links/key',
  operationId: 'getLinkKey',
  tag: 'Links',
  summary: 'The key with which gateways verify links',
  access: 'viewer',
  replies: { 200: { description: 'Its public half.', schema: linkKeySchema } },
  errors: [],
  handle: ({ project }, { links, settings: { deployment, stateDir } }) => {
    const { all, vms } = readRevokedLinks(stateDir, project);
    const revokedOfVms = Object.fromEntries(
      Object.entries(vms).map(([name, at]) => [name, new Date(at).toISOString()]),
    );
    const ofProject = all === undefined ? {} : { revokedUntil: new Date(all).toISOString() };
    const body = { publicKey: links.publicKey, deployment, project, ...ofProject, revokedOfVms };
    return Promise.resolve({ status: 200, body });
  },
});

const REVOKING = {
  method: 'post',
  tag: 'Links',
  access: 'operator',
  replies: { 200: { description: 'They are taken back.', schema: revokedLinksSchema } },
} as const;

export const revokeLinksRoute = keyedRoute({
  ...REVOKING,
  path: '/v1/links/revoke',
  operationId: 'revokeLinks',
  summary: 'Take back all links of the project',
  description:
    'None that was made until now opens a VM any more, nor does a browser that was let in by one. Gateways know of it within ' +
    '10 s; connections that are open by then stay open.',
  errors: [],
  handle: ({ project }, api) => revoke(api, { project, vm: null }),
});

export const revokeVmLinksRoute = keyedRoute({
  ...REVOKING,
  path: '/v1/vms/{name}/links/revoke',
  operationId: 'revokeVmLinks',
  summary: 'Take back all links of a VM',
  description:
    'Of every port and of every life of the name. As with those of the project, gateways know of it within 10 s.',
  params: vmPathSchema,
  errors: ['unknownVm', 'temporalUnavailable'],
  handle: async ({ project, params: { name } }, api) => {
    await describedVm(api, project, name);
    return revoke(api, { project, vm: name });
  },
});

async function revoke(api: ApiContext, what: { project: string; vm: string | null }) {
  const nowMs = api.now();
  await revokeLinks(api.settings.stateDir, what, { nowMs, longestLinkSeconds: MAX_LINK_SECONDS });
  return { status: 200, body: { revokedUntil: new Date(nowMs).toISOString() } } as const;
}
