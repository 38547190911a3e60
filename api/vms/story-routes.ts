import { z } from 'zod';
import { plainConsoleText } from '../../domain/machine/console-text.ts';
import { namesWhere } from '../../providers/lookup.ts';
import { consoleOf } from '../hosts/host-console.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { consoleQuerySchema, vmPathSchema } from '../schemas/requests.ts';
import { timelineSchema } from '../schemas/vm.ts';
import { describedVm } from './seen/vm-reply.ts';

const KEPT = namesWhere(({ placement }) => placement === 'host');
const CONSOLE_TYPE = 'text/plain; charset=utf-8';

export const timelineRoute = keyedRoute({
  method: 'get',
  path: '/v1/vms/{name}/timeline',
  operationId: 'getTimeline',
  tag: 'VMs',
  summary: 'What happened to a VM, and why',
  description: 'Up to the last 100 events; the last 20 while no worker answers.',
  access: 'viewer',
  params: vmPathSchema,
  replies: { 200: { description: 'The events, oldest first.', schema: timelineSchema } },
  errors: ['unknownVm', 'temporalUnavailable'],
  handle: async ({ project, params }, api) => {
    const { record } = await describedVm(api, project, params.name);
    return { status: 200, body: { events: await api.directory.timeline(record) } };
  },
});

export const consoleRoute = keyedRoute({
  method: 'get',
  path: '/v1/vms/{name}/console',
  operationId: 'getConsole',
  tag: 'VMs',
  summary: 'The last console output of the machine',
  description:
    'The last 64 KiB, as plain text: without terminal sequences and control characters, which a machine could turn ' +
    `against the terminal of whoever reads it. The console of a machine of ${KEPT} stays readable for an ` +
    'hour after its VM ended.',
  access: 'viewer',
  params: vmPathSchema,
  query: consoleQuerySchema,
  replies: { 200: { description: 'Plain text.', schema: z.string(), contentType: CONSOLE_TYPE } },
  errors: ['unknownVm', 'consoleUnavailable', 'hostAway', 'hostKeyMismatch', 'temporalUnavailable'],
  handle: async ({ project, params, query, gone }, api) => {
    const { record } = await describedVm(api, project, params.name);
    const raw = await consoleOf(api, record, gone);
    if (raw === undefined) throw new ApiProblem('consoleUnavailable', `${params.name} has no console output to show`);
    const data = query.raw ? raw : plainConsoleText(new TextDecoder().decode(raw));
    return { status: 200, content: { type: CONSOLE_TYPE, data } };
  },
});
