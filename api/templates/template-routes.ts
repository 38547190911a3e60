import { createHash, randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { ProviderCapabilities } from '../../domain/machine/provider-capabilities.ts';
import { orderedText } from '../../domain/ordered-json.ts';
import type { WarmSettings } from '../../domain/pool/state.ts';
import type { PutTemplate } from '../../domain/template/messages.ts';
import type { Reuse, TemplateContent } from '../../domain/template/state.ts';
import type { TemplateView } from '../../domain/template/view.ts';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import { descriptorOf, offeredTemplates } from '../../providers/lookup.ts';
import type { Template } from '../../spec/templates.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute, type Reply } from '../http/route.ts';
import {
  putTemplateQuerySchema,
  putTemplateSchema,
  templateAcceptedSchema,
  templateListSchema,
  templatePathSchema,
  templateSchema,
  type ApiTemplate,
} from '../schemas/template.ts';
import { apiBuiltInTemplate, apiTemplate } from './api-template.ts';
import { checkedTemplateSpec } from './check-template-spec.ts';
import { signedForPool } from './signed-for-pool.ts';

const TAG = 'Templates';

export const putTemplateRoute = keyedRoute({
  method: 'put',
  path: '/v1/templates/{name}',
  operationId: 'putTemplate',
  tag: TAG,
  summary: 'Put a template, as a new version unless it is as the newest one',
  description:
    'The whole spec is checked at once, as that of a create is. Creates get the new version from now on; VMs that are ' +
    'there keep what they were made from. The same spec again makes no version, and lifts a hold-back; `warm`, ' +
    '`reuse` and `rollIdle` are those that were put last. One of the ' +
    'name of a built-in template takes its place until it is deleted.',
  access: 'operator',
  params: templatePathSchema,
  query: putTemplateQuerySchema,
  body: putTemplateSchema,
  replies: {
    200: {
      description: 'The newest version has this spec already; the rest counts from now on.',
      schema: templateSchema,
    },
    201: { description: 'It is a new version.', schema: templateSchema },
    202: {
      description: 'Kept by Temporal, and no worker has answered yet.',
      schema: templateAcceptedSchema,
      headers: { Location: 'Path of the template.' },
    },
  },
  errors: [
    ...(['unknownProvider', 'unsupportedOption', 'optionNotAllowed', 'contradictoryTimeouts'] as const),
    ...(['insecureTransport', 'tooManyTemplates', 'temporalUnavailable'] as const),
  ],
  handle: async ({ project, params: { name }, query, body, caller }, api) => {
    const whole = checkedTemplateSpec(body.spec, api.settings);
    const { spec } = body;
    const warm = body.warm === undefined ? null : warmSettings(body.warm);
    refuseReuse(body.reuse, descriptorOf(whole.provider));
    const rolls = body.rollIdle === true ? ({ rollIdle: true } as const) : {};
    const written: TemplateContent = { spec, reuse: body.reuse ?? 'none', warm, ...rolls };
    const contentHash = createHash('sha256').update(canonicalJson(written)).digest('hex');
    const content = warm === null ? written : { ...written, pool: signedForPool(api, { project, name, spec: whole }) };
    const putId = randomUUID();
    const put: PutTemplate = { content, contentHash, putId, createdBy: caller.id };
    if (query.dryRun) {
      api.templates.requireRoom(project, name);
      return wouldBe(api, put, await found(api, project, name), { project, name });
    }
    const view = await api.templates.put(project, name, put, leastVersionOf(api, name));
    if (view === undefined) return kept(name, project);
    const isNew = view.versions.some((version) => version.putId === putId);
    const isKept = isSpecOfNewest(view, content) || view.versions.some((one) => one.contentHash === contentHash);
    if (!isNew && !isKept) throw notFound(name);
    return { status: isNew ? 201 : 200, body: shown(api, view) };
  },
});

export const listTemplatesRoute = keyedRoute({
  method: 'get',
  path: '/v1/templates',
  operationId: 'listTemplates',
  tag: TAG,
  summary: 'The templates that creates may name',
  description: 'Read from memory that follows Temporal within about a second; answered also while Temporal is away.',
  access: 'viewer',
  replies: { 200: { description: 'All of them.', schema: templateListSchema } },
  errors: ['notReady'],
  handle: ({ project }, api) => {
    if (!api.feed.loaded) {
      throw new ApiProblem('notReady', 'The templates are being read', { headers: { 'retry-after': '1' } });
    }
    const stored = api.templates.copies.of(project).flatMap((view) => readable(api, view) ?? []);
    const taken = new Set(stored.map(({ name }) => name));
    const builtIn = Object.entries(offeredTemplates(api.settings.providers)).filter(([name]) => !taken.has(name));
    const templates = [...stored, ...builtIn.map(([name, template]) => apiBuiltInTemplate(project, name, template))];
    return Promise.resolve({ status: 200, body: { templates: templates.sort((a, b) => (a.name < b.name ? -1 : 1)) } });
  },
});

export const getTemplateRoute = keyedRoute({
  method: 'get',
  path: '/v1/templates/{name}',
  operationId: 'getTemplate',
  tag: TAG,
  summary: 'A template, its versions and what their creates have shown',
  access: 'viewer',
  params: templatePathSchema,
  replies: { 200: { description: 'The template.', schema: templateSchema } },
  errors: ['templateNotFound', 'temporalUnavailable'],
  handle: async ({ project, params: { name } }, api) => {
    const stored = await found(api, project, name);
    if (stored !== undefined) return { status: 200, body: shown(api, stored) };
    const builtIn = builtInOf(api, name);
    if (builtIn === undefined) throw notFound(name);
    return { status: 200, body: apiBuiltInTemplate(project, name, builtIn) };
  },
});

export const deleteTemplateRoute = keyedRoute({
  method: 'delete',
  path: '/v1/templates/{name}',
  operationId: 'deleteTemplate',
  tag: TAG,
  summary: 'Delete a template',
  description:
    'VMs that were made from it live on: each has its whole spec. A built-in template whose place it took serves again. ' +
    'One that is put later under this name goes on counting its versions.',
  access: 'operator',
  params: templatePathSchema,
  replies: {
    200: { description: 'Deleted.', schema: templateAcceptedSchema },
    202: {
      description: 'Kept by Temporal, and no worker has answered yet.',
      schema: templateAcceptedSchema,
      headers: { Location: 'Path of the template.' },
    },
  },
  errors: ['templateNotFound', 'builtInTemplate', 'temporalUnavailable'],
  handle: async ({ project, params: { name } }, api) => {
    const outcome = await api.templates.remove(project, name);
    if (outcome === 'removed') return { status: 200, body: { name, project } };
    if (outcome !== 'notThere') return kept(name, project);
    if (builtInOf(api, name) === undefined) throw notFound(name);
    throw new ApiProblem('builtInTemplate', `The template ${name} comes with Ephemera`);
  },
});

/** Nobody has seen it yet; where to look. */
function kept(name: string, project: string): Reply {
  return { status: 202, body: { name, project }, headers: { location: `/v1/templates/${name}` } };
}

/** @throws ApiProblem `unsupportedOption` that names the capability which the provider lacks. */
export function refuseReuse(
  reuse: Reuse | undefined,
  { name, capabilities }: { name: string; capabilities: Pick<ProviderCapabilities, 'reset'> },
): void {
  if (reuse !== 'empty' || capabilities.reset) return;
  throw new ApiProblem(
    'unsupportedOption',
    `body.reuse: ${name} does not support empty: it lacks the capability reset`,
  );
}

/** `paused` is left out where it is not said: an undefined field would be lost as JSON anyway. */
function warmSettings({ paused, ...numbers }: NonNullable<z.output<typeof putTemplateSchema>['warm']>): WarmSettings {
  return { ...numbers, ...(paused === undefined ? {} : { paused }) };
}

/** The answer that the put would get now. */
function wouldBe(
  api: ApiContext,
  { content, contentHash, putId, createdBy }: PutTemplate,
  known: TemplateView | undefined,
  { project, name }: { project: string; name: string },
): Reply {
  const newest = known?.versions.at(-1);
  if (known !== undefined && newest !== undefined && isSpecOfNewest(known, content)) {
    const contents = { ...known.contents, [newest.version]: content };
    return { status: 200, body: shown(api, { ...known, contents }) };
  }
  const version = known?.nextVersion ?? leastVersionOf(api, name);
  const at = new Date(api.now()).toISOString();
  const made = { version, state: 'unproven' as const, contentHash, putId, createdBy, createdAt: at };
  const view: TemplateView = {
    ...{ project, name, deleted: false, serving: version, nextVersion: version + 1, updatedAt: at },
    versions: [...(known?.versions ?? []), made],
    contents: { [version]: content },
  };
  return { status: 201, body: shown(api, view) };
}

/** Then it makes no version, whatever it says beside the spec. */
function isSpecOfNewest({ versions, contents }: TemplateView, { spec }: TemplateContent): boolean {
  const newest = versions.at(-1);
  return newest !== undefined && orderedText(contents[newest.version]?.spec) === orderedText(spec);
}

function found(api: ApiContext, project: string, name: string): Promise<TemplateView | undefined> {
  const known = api.templates.copies.get(api.templates.workflowId(project, name));
  return known === undefined ? api.templates.find(project, name) : Promise.resolve(known);
}

function builtInOf(api: ApiContext, name: string): Template | undefined {
  const offered = offeredTemplates(api.settings.providers);
  return Object.hasOwn(offered, name) ? offered[name] : undefined;
}

/** What takes the place of a built-in template counts on from its version. */
function leastVersionOf(api: ApiContext, name: string): number {
  return (builtInOf(api, name)?.version ?? 0) + 1;
}

function readable(api: ApiContext, view: TemplateView): ApiTemplate | undefined {
  return apiTemplate(view, builtInOf(api, view.name));
}

function shown(api: ApiContext, view: TemplateView): ApiTemplate {
  const template = readable(api, view);
  if (template !== undefined) return template;
  throw new ApiProblem(
    'templateNotFound',
    `The template ${view.name} was put by another version of Ephemera and cannot be read here`,
  );
}

function notFound(name: string): ApiProblem {
  return new ApiProblem('templateNotFound', `There is no template ${name}`);
}
