/** The one place that says what an event means for a template. Pure; every state and event is tested. */
import { orderedText } from '../ordered-json.ts';
import type { CreateOutcome, TemplateEvent } from './events.ts';
import {
  FAILURES_TO_HOLD_BACK,
  newestVersion,
  VERSIONS_KEPT,
  type Template,
  type TemplateVersion,
  type Trial,
} from './state.ts';

const UNPROVEN: Trial = { name: 'unproven', failures: 0, lastFailure: null };

/** The template after the event; the very same object where the event changes nothing. */
export function next(template: Template, event: TemplateEvent): Template {
  switch (event.kind) {
    case 'put':
      return put(template, event);
    case 'createEnded':
      return createEnded(template, event);
    case 'poolTold':
      return { ...template, told: event.template };
    case 'firstWarm':
      return firstWarm(template, event);
    case 'rollBegun':
      return { ...template, roll: { ...event.order, isDone: false } };
    case 'rollDone':
      return template.roll?.revision === event.revision
        ? { ...template, roll: { ...template.roll, isDone: true } }
        : template;
    case 'deleted':
      return template.deleted ? template : { ...template, versions: [], deleted: true, updatedAt: event.at };
  }
}

/**
 * A version is what VMs are made from. The same spec again makes none: one that is held back is tried again, a pool gets the
 * signature of now, and what is said of warm machines, reuse and idle VMs counts at once.
 */
function put(template: Template, event: Extract<TemplateEvent, { kind: 'put' }>): Template {
  const { at, content, contentHash, putId, createdBy } = event;
  const newest = newestVersion(template.versions);
  const { spec, reuse, warm, rollIdle, pool } = content;
  const signed = pool === undefined ? {} : { pool };
  const rolls = rollIdle === undefined ? {} : { rollIdle };
  if (newest !== undefined && isOfVersion(newest, event)) {
    const isSigned = newest.pool?.signature === pool?.signature;
    // A worker of before took the same content without what it did not know.
    const isWhole = newest.rollIdle === rollIdle;
    if (newest.trial.name !== 'heldBack' && isSigned && isWhole && newest.contentHash === contentHash) return template;
    const trial = newest.trial.name === 'heldBack' ? UNPROVEN : newest.trial;
    const { pool: before, ...rest } = newest;
    delete rest.rollIdle;
    // What is tried again has to be seen ready again.
    if (trial !== newest.trial) delete rest.firstWarm;
    const kept = newest.contentHash === contentHash && before !== undefined ? { pool: before } : {};
    return changed(template, newest, { ...rest, ...kept, reuse, warm, ...rolls, contentHash, ...signed, trial }, at);
  }
  const version: TemplateVersion = {
    ...{ version: template.nextVersion, spec, reuse, warm, contentHash, putId, createdBy },
    ...{ createdAt: at, trial: UNPROVEN, ...rolls, ...signed },
  };
  return {
    ...template,
    versions: kept([...template.versions, version]),
    nextVersion: template.nextVersion + 1,
    deleted: false,
    updatedAt: at,
  };
}

function isOfVersion(version: TemplateVersion, put: Extract<TemplateEvent, { kind: 'put' }>): boolean {
  if (version.contentHash === put.contentHash) return true;
  return put.onlySpecMakesVersion === true && orderedText(version.spec) === orderedText(put.content.spec);
}

function kept(versions: TemplateVersion[]): TemplateVersion[] {
  if (versions.length <= VERSIONS_KEPT) return versions;
  const lastGood = versions.findLast(({ trial }) => trial.name === 'good');
  const oldest = versions.find((version) => version !== lastGood);
  return versions.filter((version) => version !== oldest);
}

function createEnded(template: Template, event: Extract<TemplateEvent, { kind: 'createEnded' }>): Template {
  const version = template.versions.find((one) => one.version === event.version);
  if (version === undefined) return template;
  const trial = judged(version.trial, event.outcome, event.at);
  return trial === version.trial ? template : changed(template, version, { ...version, trial }, event.at);
}

function firstWarm(template: Template, event: Extract<TemplateEvent, { kind: 'firstWarm' }>): Template {
  const version = template.versions.find((one) => one.version === event.version);
  if (version === undefined || version.firstWarm === true) return template;
  return changed(template, version, { ...version, firstWarm: true }, event.at);
}

/** One success proves a version for good, also one that was held back: it was under way, and it works. */
function judged(trial: Trial, outcome: CreateOutcome, at: number): Trial {
  if (trial.name === 'good') return trial;
  if (outcome.name === 'ready') return { name: 'good', since: at };
  if (trial.name === 'heldBack') return trial;
  const { detail: lastFailure } = outcome;
  const failures = trial.failures + 1;
  return failures < FAILURES_TO_HOLD_BACK
    ? { name: 'unproven', failures, lastFailure }
    : { name: 'heldBack', since: at, failures, lastFailure };
}

function changed(template: Template, from: TemplateVersion, to: TemplateVersion, at: number): Template {
  const versions = template.versions.map((version) => (version === from ? to : version));
  return { ...template, versions, updatedAt: at };
}
