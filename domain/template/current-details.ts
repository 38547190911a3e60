import { plainInMarkdown } from '../plain-in-markdown.ts';
import { newestVersion } from './state.ts';
import type { TemplateView } from './view.ts';

/** What a person who opens the template in the Temporal Web UI reads first. Markdown. */
export function templateDetails({ name, project, deleted, versions, serving }: TemplateView): string {
  const newest = newestVersion(versions);
  if (deleted || newest === undefined) return `**${name}** of project ${project} has no version`;
  const { version, state, lastFailure = '' } = newest;
  const held = state === 'heldBack' ? [`Version ${version} is held back: ${plainInMarkdown(lastFailure)}`] : [];
  return [`**${name}** of project ${project}: creates get version ${serving ?? version}`, ...held].join('\n\n');
}
