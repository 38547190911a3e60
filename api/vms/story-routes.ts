import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { plainConsoleText } from '../../domain/console-text.ts';
import { CONSOLE_OWNER_HEADER } from '../../domain/wire-names.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { consoleQuerySchema, vmPathSchema } from '../schemas/requests.ts';
import { timelineSchema } from '../schemas/vm.ts';
import { describedVm } from './vm-reply.ts';
import type { VmRecord } from './vm-record.ts';

const CONSOLE_SECONDS = 5;
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
    'against the terminal of whoever reads it. The console of a machine of `local` or `qemu` stays readable for an ' +
    'hour after its VM ended.',
  access: 'viewer',
  params: vmPathSchema,
  query: consoleQuerySchema,
  replies: { 200: { description: 'Plain text.', schema: z.string(), contentType: CONSOLE_TYPE } },
  errors: ['unknownVm', 'consoleUnavailable', 'temporalUnavailable'],
  handle: async ({ project, params, query, gone }, api) => {
    const { record } = await describedVm(api, project, params.name);
    const raw = await consoleOf(api, record, gone);
    if (raw === undefined) throw new ApiProblem('consoleUnavailable', `${params.name} has no console output to show`);
    const data = query.raw ? raw : plainConsoleText(new TextDecoder().decode(raw));
    return { status: 200, content: { type: CONSOLE_TYPE, data } };
  },
});

/** Console output from the worker's internal endpoint; undefined when there is none or no worker is there. */
async function consoleOf(api: ApiContext, record: VmRecord, gone: AbortSignal): Promise<Uint8Array | undefined> {
  const { machineId } = record.view;
  if (machineId === '') return undefined;
  const { internalHost, internalPort } = api.settings.worker;
  const host = internalHost.includes(':') ? `[${internalHost}]` : internalHost;
  const url = `http://${host}:${internalPort}/internal/machines/${encodeURIComponent(machineId)}/console`;
  const stop = new AbortController();
  const giveUp = (): void => stop.abort();
  const timer = setTimeout(giveUp, CONSOLE_SECONDS * 1000);
  gone.addEventListener('abort', giveUp);
  try {
    // Whose machine it is, the worker knows: the view is a claim of the workflow.
    const headers = { authorization: `Bearer ${api.internalToken}`, [CONSOLE_OWNER_HEADER]: record.workflowId };
    const response = await fetch(url, { headers, signal: stop.signal, redirect: 'error' });
    const data = await response.arrayBuffer();
    return response.ok ? Buffer.from(data) : undefined;
  } catch (error) {
    api.log.debug({ err: error, machineId }, 'the console of a machine cannot be read');
    return undefined;
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', giveUp);
  }
}
