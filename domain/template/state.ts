/** A stored template: its versions, and what their creates have shown of each. JSON only; times are epoch ms. */
import type { PoolTemplate, WarmSettings } from '../pool/state.ts';
import type { RollOverOrder } from '../vm/state.ts';

export const REUSE_NAMES = ['none', 'empty', 'shared'] as const;
/** Whether an unnamed create may get a VM of the template that drains: never, one without users, or any. */
export type Reuse = (typeof REUSE_NAMES)[number];

/** What somebody put: JSON as it was written, every part checked by the API before. */
export interface TemplateContent {
  /** Fields of a spec; those that are not here have their defaults when a VM is made. */
  spec: Readonly<Record<string, unknown>>;
  reuse: Reuse;
  warm: WarmSettings | null;
  /** VMs of earlier versions make room as soon as nobody uses them; absent: they stay as long as they would anyway. */
  rollIdle?: true;
  /** What a pool makes machines from, with the API's signature; absent without `warm`. */
  pool?: Pick<PoolTemplate, 'spec' | 'signature' | 'placement'>;
}

/** What creates of a version have shown. Only the first success and the failures before it count. */
export type Trial =
  | { name: 'unproven'; failures: number; lastFailure: string | null }
  | { name: 'good'; since: number }
  /** It serves no creates while a good one is there. */
  | { name: 'heldBack'; since: number; failures: number; lastFailure: string };

export const TRIAL_NAMES = ['unproven', 'good', 'heldBack'] as const satisfies readonly Trial['name'][];

export interface TemplateVersion extends TemplateContent {
  version: number;
  /** Of spec, reuse and warm, as they were put last. */
  contentHash: string;
  /** Names the request that made it. */
  putId: string;
  /** Id of the API key that made it. */
  createdBy: string;
  createdAt: number;
  trial: Trial;
  /** A machine of it got ready and waits in the pool: its agent runs, and nobody knows of its app yet. Absent: none did. */
  firstWarm?: true;
}

export interface Template {
  project: string;
  name: string;
  /** Oldest first; empty before the first put, and once it is deleted. */
  versions: TemplateVersion[];
  /** Numbers are never reused. */
  nextVersion: number;
  deleted: boolean;
  /** What its pool was last configured with; absent before. */
  told?: PoolTemplate;
  /** What its VMs were told last, and whether all of them know; absent before. */
  roll?: RollOrder & { isDone: boolean };
  updatedAt: number;
}

/** What VMs are told. */
export interface RollOrder extends RollOverOrder {
  /** Those of versions below this one are told: some may know of an order before. */
  reach: number;
}

/** As many versions are kept, among them always the newest and the last good one. */
export const VERSIONS_KEPT = 10;

/** A version is held back after as many failed creates in a row, if none succeeded. */
export const FAILURES_TO_HOLD_BACK = 3;

export function newTemplate(
  start: Pick<Template, 'project' | 'name'> & { firstVersion: number; at: number },
): Template {
  const { project, name, firstVersion, at } = start;
  return { project, name, versions: [], nextVersion: firstVersion, deleted: false, updatedAt: at };
}

/** The version that was put last, or undefined where there is none. */
export function newestVersion<Version extends object>(versions: readonly Version[]): Version | undefined {
  return versions.at(-1);
}

/** The version that creates get, or undefined: then a built-in template of the name serves, or else the newest one. */
export function servingVersion<Version extends { trial: Trial }>(versions: readonly Version[]): Version | undefined {
  const newest = newestVersion(versions);
  if (newest?.trial.name !== 'heldBack') return newest;
  return versions.findLast(({ trial }) => trial.name === 'good');
}
