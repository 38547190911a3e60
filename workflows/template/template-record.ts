import { log } from '@temporalio/workflow';
import type { TemplateEvent } from '../../domain/template/events.ts';
import { next } from '../../domain/template/next.ts';
import { newestVersion, servingVersion, type Template } from '../../domain/template/state.ts';
import type { Happened } from '../happened.ts';

/** Nothing that anybody can see of the template is another. */
const SILENT: readonly TemplateEvent['kind'][] = ['poolTold', 'rollBegun', 'rollDone'];

/** Holds the one copy of a template; `next` decides what events mean. */
export class TemplateRecord {
  /** What everybody can see of it. */
  shown: Template | undefined;
  #template: Template;

  constructor(template: Template) {
    this.#template = template;
  }

  get template(): Template {
    return this.#template;
  }

  get published(): boolean {
    return this.shown === this.#template;
  }

  record(event: Happened<TemplateEvent>): void {
    const before = this.#template;
    this.#template = next(before, { ...event, at: Date.now() });
    if (this.#template === before || SILENT.includes(event.kind)) return;
    const { project, name, versions } = this.#template;
    log.info('the template changed', {
      ...{ project, template: name, event: event.kind },
      newest: newestVersion(versions)?.version,
      serving: servingVersion(versions)?.version,
    });
    const [trial, trialBefore] = [newestVersion(versions)?.trial, newestVersion(before.versions)?.trial];
    if (trial?.name !== 'heldBack' || trialBefore?.name === 'heldBack') return;
    log.warn('a version of a template is held back: its creates only fail', { project, template: name, ...trial });
  }
}
