/**
 * What this replica knows of every template, in memory: a create costs no call more. Copies come from visibility, from
 * describes and from this replica's own puts, in any order and more than once; the newer one stays.
 */
import type { TemplateView } from '../../domain/template/view.ts';

export interface TemplateCopy {
  workflowId: string;
  view: TemplateView;
  /** When its workflow closed, epoch ms; null while it runs. */
  closedAt: number | null;
}

export class TemplateCopies {
  readonly #copies = new Map<string, TemplateCopy>();

  /** Takes a copy that was seen; an older one than the known changes nothing. */
  see(copy: TemplateCopy): void {
    const known = this.#copies.get(copy.workflowId);
    if (known === undefined || isNewer(copy, known)) this.#copies.set(copy.workflowId, kept(copy));
  }

  /** Nothing runs under this id any more. */
  gone(workflowId: string): void {
    const known = this.#copies.get(workflowId);
    if (known?.closedAt === null) this.#copies.set(workflowId, kept({ ...known, closedAt: changedAt(known) }));
  }

  /** Also of one that is not there any more: that it ended, so that nothing older counts. */
  known(workflowId: string): TemplateCopy | undefined {
    return this.#copies.get(workflowId);
  }

  get(workflowId: string): TemplateView | undefined {
    const copy = this.#copies.get(workflowId);
    return copy !== undefined && isThere(copy) ? copy.view : undefined;
  }

  /** Those of a project, by name. */
  of(project: string): TemplateView[] {
    const views = [...this.#copies.values()].filter(isThere).map(({ view }) => view);
    return views.filter((view) => view.project === project).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  openWorkflowIds(): string[] {
    return [...this.#copies.values()].filter(isThere).map(({ workflowId }) => workflowId);
  }
}

/** Of one that has ended only that it did: names are put and deleted without end. */
function kept(copy: TemplateCopy): TemplateCopy {
  return copy.closedAt === null ? copy : { ...copy, view: { ...copy.view, versions: [], contents: {} } };
}

function isThere({ view, closedAt }: TemplateCopy): boolean {
  return closedAt === null && !view.deleted && view.versions.length > 0;
}

/** A put after a delete is newer than the delete, by the clock of Temporal. */
function isNewer(copy: TemplateCopy, known: TemplateCopy): boolean {
  const [at, knownAt] = [changedAt(copy), changedAt(known)];
  return at > knownAt || (at === knownAt && (known.closedAt === null || copy.closedAt !== null));
}

function changedAt({ view, closedAt }: TemplateCopy): number {
  return Math.max(Date.parse(view.updatedAt), closedAt ?? 0);
}
