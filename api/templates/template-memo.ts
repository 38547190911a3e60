/** What the workflow of a template publishes, at the API's boundary: checked before it counts. */
import { z } from 'zod';
import { REUSE_NAMES, TRIAL_NAMES, type Reuse } from '../../domain/template/state.ts';
import type { TemplateView } from '../../domain/template/view.ts';
import { templateWorkflowId } from '../../domain/wire-names.ts';
import { templateSpecSchema } from '../schemas/spec.ts';
import type { TemplateSpec } from '../../spec/spec-schemas.ts';

const timeSchema = z.iso.datetime();

const viewSchema = z.looseObject({
  project: z.string(),
  name: z.string(),
  deleted: z.boolean(),
  versions: z.array(
    z.looseObject({
      version: z.int(),
      state: z.enum(TRIAL_NAMES),
      contentHash: z.string(),
      putId: z.string(),
      createdBy: z.string(),
      createdAt: timeSchema,
      failures: z.int().optional(),
      lastFailure: z.string().optional(),
      heldBackSince: timeSchema.optional(),
    }),
  ),
  serving: z.int().nullable(),
  nextVersion: z.int(),
  contents: z.record(
    z.string(),
    z.looseObject({ spec: z.record(z.string(), z.unknown()), warm: z.looseObject({}).nullable() }),
  ),
  updatedAt: timeSchema,
});

/** The view that the workflow of this id may show, or undefined: whose template it is, is a claim that its id proves. */
export function seenTemplate(
  shown: unknown,
  { workflowId, controlTaskQueue }: { workflowId: string; controlTaskQueue: string },
): TemplateView | undefined {
  const view = viewSchema.safeParse(shown).data;
  if (view === undefined || templateWorkflowId(view.project, view.name, controlTaskQueue) !== workflowId)
    return undefined;
  return view as unknown as TemplateView;
}

/** The same of what a workflow answers of one version. */
export function specOfContent(content: { spec: unknown } | undefined): TemplateSpec | undefined {
  return templateSpecSchema.safeParse(content?.spec).data;
}

/** What a version fixes, or undefined where this version of Ephemera cannot read all of it. */
export function specOfVersion(view: TemplateView, version: number): TemplateSpec | undefined {
  return specOfContent(view.contents[version]);
}

/** `none` where this version of Ephemera cannot read it. */
export function reuseOfVersion(view: TemplateView, version: number): Reuse {
  const reuse: unknown = view.contents[version]?.reuse;
  return REUSE_NAMES.find((name) => name === reuse) ?? 'none';
}
