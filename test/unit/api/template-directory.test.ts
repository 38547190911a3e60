import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { TemplateCopies } from '../../../api/templates/template-copies.ts';
import { MAX_TEMPLATES, TemplateDirectory } from '../../../api/templates/template-directory.ts';
import type { TemplateView } from '../../../domain/template/view.ts';
import { templateWorkflowId } from '../../../domain/wire-names.ts';

const BIG = 'x'.repeat(30_000);
const UPDATED_AT = '2026-11-29T00:00:00.000Z';

function viewOf(project: string, name: string): TemplateView {
  const version = { version: 1, state: 'unproven' as const, contentHash: 'h', putId: 'p', createdBy: 'k' };
  return {
    ...{ project, name, deleted: false, serving: 1, nextVersion: 2, updatedAt: UPDATED_AT },
    versions: [{ ...version, createdAt: UPDATED_AT }],
    contents: { 1: { spec: { image: 'vm-server', env: { BIG } }, reuse: 'none', warm: null } },
  };
}

function seen(copies: TemplateCopies, project: string, name: string): string {
  const workflowId = templateWorkflowId(project, name);
  copies.see({ workflowId, view: viewOf(project, name), closedAt: null });
  return workflowId;
}

const PUT = {
  ...{ content: { spec: { image: 'vm-server' }, reuse: 'none' as const, warm: null } },
  ...{ contentHash: 'h', putId: 'p', createdBy: 'k' },
};

/** Stands for Temporal's client and never answers. */
function silentDirectory(): TemplateDirectory {
  return new TemplateDirectory({ withDeadline: () => new Promise(() => {}) } as unknown as Client, 'ephemera-control');
}

describe('what a replica keeps of templates', () => {
  it('is next to nothing of those that were deleted, however big they were and however their end was seen', () => {
    const copies = new TemplateCopies();
    const told = seen(copies, 'games', 'told');
    copies.gone(told);
    const listed = seen(copies, 'games', 'listed');
    copies.see({ workflowId: listed, view: viewOf('games', 'listed'), closedAt: Date.parse(UPDATED_AT) + 1 });
    expect(copies.of('games')).toEqual([]);
    const kept = [told, listed].map((workflowId) => JSON.stringify(copies.known(workflowId)));
    for (const text of kept) expect(text.length).toBeLessThan(1000);
    seen(copies, 'games', 'told');
    expect(copies.get(told)).toBeUndefined();
  });
});

describe('a project', () => {
  it('has a bounded number of templates: what one project puts never fills the memory that all share', async () => {
    const directory = silentDirectory();
    for (let index = 0; index < MAX_TEMPLATES - 2; index += 1) seen(directory.copies, 'games', `t-${index}`);
    // Two that are under way count too.
    for (const name of ['one', 'two']) void directory.put('games', name, PUT, 1);
    await expect(directory.put('games', 'three', PUT, 1)).rejects.toMatchObject({ code: 'tooManyTemplates' });
    expect(() => directory.requireRoom('games', 'three')).toThrow(`${MAX_TEMPLATES}`);
    expect(() => directory.requireRoom('games', 't-0')).not.toThrow();
    expect(() => directory.requireRoom('other', 'three')).not.toThrow();
  });
});
