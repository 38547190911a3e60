/** Which template a create is made from, by this replica's own copies: no call to Temporal unless it knows none of the name. */
import type { Reuse } from '../../domain/template/state.ts';
import type { TemplateView } from '../../domain/template/view.ts';
import { offeredTemplates } from '../../providers/lookup.ts';
import { asksForNothing } from '../../spec/field-values.ts';
import type { CreateVmBody, TemplateSpec } from '../../spec/spec-schemas.ts';
import { templateReferenceOf } from '../../spec/template-reference.ts';
import type { Template } from '../../spec/templates.ts';
import type { VmInput } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { reuseOfVersion, specOfContent, specOfVersion } from './template-memo.ts';

export interface TemplateChoice {
  name: string;
  /** Undefined: a built-in one, or none at all. */
  stored: Template | undefined;
  /** What there is, for whoever names what is not there. */
  names: string[];
  /** Which VMs that are there already a create without a name may have. */
  reuse: Reuse;
  /** The request named the version itself. */
  isPinned: boolean;
  /** Present where the template learns from this create whether its version is any good. */
  reportsTo?: NonNullable<VmInput['reportsTo']>;
}

/**
 * Undefined where the request gives a whole spec. A version that is named is had also where it is held back, or another one
 * serves. @throws ApiProblem `unknownTemplate` or `unknownTemplateVersion`.
 */
export async function chooseTemplate(
  api: ApiContext,
  project: string,
  body: CreateVmBody,
): Promise<TemplateChoice | undefined> {
  const asked = body.template ?? (body.image === undefined ? api.settings.defaultTemplate : undefined);
  if (asked === undefined) return undefined;
  const { name, version: pinned } = templateReferenceOf(asked);
  const builtIn = offeredTemplates(api.settings.providers);
  const isBuiltIn = Object.hasOwn(builtIn, name);
  const view = await knownTemplate(api, project, name, isBuiltIn);
  const names = [...new Set([...Object.keys(builtIn), ...api.templates.copies.of(project).map((one) => one.name)])];
  const isPinned = pinned !== undefined;
  const choice = { name, stored: undefined, names: names.sort(), reuse: 'none' as const, isPinned };
  const builtInVersion = isBuiltIn ? builtIn[name]?.version : undefined;
  if (isPinned) {
    const numbers = [
      ...(builtInVersion === undefined ? [] : [builtInVersion]),
      ...(view?.versions ?? []).map(numberOf),
    ];
    // A name that nobody has is refused as such.
    if (numbers.length > 0 && !numbers.includes(pinned)) throw unknownVersion(name, pinned, numbers);
    if (view?.versions.every((one) => one.version !== pinned)) return choice;
  }
  const version = pinned ?? (view && (view.serving ?? (isBuiltIn ? undefined : view.versions.at(-1)?.version)));
  if (view === undefined || version === undefined) return choice;
  const spec = specOfVersion(view, version) ?? (isPinned ? await keptSpec(api, view, version) : undefined);
  if (spec === undefined) throw unreadable(name, version);
  const isOnTrial = view.versions.find((one) => one.version === version)?.state !== 'good' && isEvidence(body);
  const reportsTo = { workflowId: api.templates.workflowId(project, name), version };
  const reuse = reuseOfVersion(view, version);
  return { ...choice, stored: { version, spec }, reuse, ...(isOnTrial ? { reportsTo } : {}) };
}

/** Of a version that is neither the newest one nor the one that serves; the workflow of the template has it. */
async function keptSpec(api: ApiContext, view: TemplateView, version: number): Promise<TemplateSpec | undefined> {
  const workflowId = api.templates.workflowId(view.project, view.name);
  const kept = view.versions.find((one) => one.version === version);
  if (kept === undefined || view.contents[version] !== undefined) return undefined;
  return specOfContent(await api.templates.contentOf(workflowId, kept));
}

function numberOf({ version }: { version: number }): number {
  return version;
}

function unknownVersion(name: string, version: number, numbers: readonly number[]): ApiProblem {
  const known = numbers.join(', ');
  const why = `The template ${name} has no version ${version}; there is: ${known}`;
  return new ApiProblem('unknownTemplateVersion', why, { named: known });
}

/** A name that this replica does not know may have been put elsewhere a moment ago. */
async function knownTemplate(
  api: ApiContext,
  project: string,
  name: string,
  isBuiltIn: boolean,
): Promise<TemplateView | undefined> {
  const known = api.templates.copies.get(api.templates.workflowId(project, name));
  if (known !== undefined || (isBuiltIn && api.feed.loaded)) return known;
  return api.templates.find(project, name);
}

/** Fields that a create may set itself and still be evidence for its template: they do not change what is started. */
const LEAVES_THE_START_AS_IT_IS: readonly (keyof CreateVmBody)[] = [
  ...(['name', 'template', 'description', 'labels', 'env', 'secretEnv', 'fresh'] as const),
  ...(['idle', 'softLifetimeSeconds', 'maxLifetimeSeconds', 'onLost'] as const),
];

/** One that overrides what is started says nothing of the template: what fails may be its own. */
function isEvidence(body: CreateVmBody): boolean {
  return Object.entries(body).every(
    ([field, value]) => asksForNothing(value) || LEAVES_THE_START_AS_IT_IS.some((free) => free === field),
  );
}

function unreadable(name: string, version: number): ApiProblem {
  const why = `Version ${version} of the template ${name} was put by another version of Ephemera and cannot be read here`;
  return new ApiProblem('unknownTemplate', why, { named: 'another template, or PUT it again' });
}
