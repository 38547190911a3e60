import type { TemplateView } from '../../domain/template/view.ts';
import type { Template } from '../../spec/templates.ts';
import type { ApiTemplate } from '../schemas/template.ts';
import { reuseOfVersion, specOfVersion } from './template-memo.ts';

/** `builtIn`: the built-in template of the same name, whose place it takes. Undefined: it cannot be read by this version. */
export function apiTemplate(view: TemplateView, builtIn: Template | undefined): ApiTemplate | undefined {
  const newest = view.versions.at(-1);
  const spec = newest && specOfVersion(view, newest.version);
  if (newest === undefined || spec === undefined) return undefined;
  const { project, name } = view;
  const warm = view.contents[newest.version]?.warm;
  const reuse = reuseOfVersion(view, newest.version);
  return {
    ...{ name, project, version: newest.version, builtIn: false },
    servingVersion: view.serving ?? builtIn?.version ?? newest.version,
    spec,
    ...(warm ? { warm } : {}),
    reuse,
    rollIdle: view.contents[newest.version]?.rollIdle === true,
    ...heldBackOf(newest),
    versions: view.versions.map(({ version, state, createdAt, createdBy, failures, lastFailure }) => ({
      ...{ version, state, createdAt, createdBy },
      ...(failures === undefined ? {} : { failures }),
      ...(lastFailure === undefined ? {} : { lastFailure }),
    })),
  };
}

export function apiBuiltInTemplate(project: string, name: string, { version, spec }: Template): ApiTemplate {
  const versions = [{ version, state: 'good' as const }];
  const about = { reuse: 'none', rollIdle: false } as const;
  return { name, project, version, servingVersion: version, builtIn: true, spec, ...about, versions };
}

function heldBackOf(newest: TemplateView['versions'][number]): Pick<ApiTemplate, 'heldBack'> {
  const { version, state, heldBackSince, failures = 0, lastFailure = '' } = newest;
  if (state !== 'heldBack' || heldBackSince === undefined) return {};
  const todo = 'PUT it again to have creates try it once more, or PUT another spec.';
  return { heldBack: { version, since: heldBackSince, failures, reason: lastFailure, todo } };
}
