import { isoTime } from '../iso-time.ts';
import { newestVersion, servingVersion, type Template, type TemplateContent, type Trial } from './state.ts';

/** A version without its content: what lists tell apart. Times as RFC 3339. */
export interface VersionView {
  version: number;
  state: Trial['name'];
  contentHash: string;
  putId: string;
  createdBy: string;
  createdAt: string;
  /** Creates in a row that failed, while none succeeded. */
  failures?: number;
  lastFailure?: string;
  heldBackSince?: string;
}

/** What leaves the workflow of a template: JSON only. */
export interface TemplateView {
  project: string;
  name: string;
  deleted: boolean;
  /** Oldest first. */
  versions: VersionView[];
  /** The version that creates get; null: a built-in template of the name serves, or else the newest one. */
  serving: number | null;
  /** Numbers are never reused, also not after a delete. */
  nextVersion: number;
  /** Content of the newest version and of the one that serves creates, by version: no more, for a memo is small. */
  contents: Record<string, TemplateContent>;
  updatedAt: string;
}

export function templateView({ project, name, deleted, versions, nextVersion, updatedAt }: Template): TemplateView {
  const serving = servingVersion(versions);
  const shown = [newestVersion(versions), serving].filter((version) => version !== undefined);
  return {
    ...{ project, name, deleted, serving: serving?.version ?? null, nextVersion },
    versions: versions.map(({ version, trial, contentHash, putId, createdBy, createdAt }) => ({
      ...{ version, state: trial.name, contentHash, putId, createdBy, createdAt: isoTime(createdAt) },
      ...trialView(trial),
    })),
    contents: Object.fromEntries(shown.map((version) => [version.version, contentOf(version)])),
    updatedAt: isoTime(updatedAt),
  };
}

/** What was put as a version, also where that is neither the newest one nor the one that serves; null where it is not kept. */
export function versionContent({ versions }: Template, version: unknown): TemplateContent | null {
  const found = versions.find((one) => one.version === version);
  return found === undefined ? null : contentOf(found);
}

function contentOf({ spec, reuse, warm, rollIdle }: TemplateContent): TemplateContent {
  return { spec, reuse, warm, ...(rollIdle === undefined ? {} : { rollIdle }) };
}

function trialView(trial: Trial): Pick<VersionView, 'failures' | 'lastFailure' | 'heldBackSince'> {
  if (trial.name === 'good') return {};
  const { failures, lastFailure } = trial;
  return {
    ...(failures === 0 ? {} : { failures }),
    ...(lastFailure === null ? {} : { lastFailure }),
    ...(trial.name === 'heldBack' ? { heldBackSince: isoTime(trial.since) } : {}),
  };
}
