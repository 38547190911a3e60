import type { PoolTemplate } from '../pool/state.ts';
import type { RollOrder, TemplateContent } from './state.ts';

/** Everything that can happen to a template; `at` is workflow time, epoch ms. */
export type TemplateEvent =
  | {
      kind: 'put';
      at: number;
      content: TemplateContent;
      contentHash: string;
      putId: string;
      createdBy: string;
      /** Absent: another `warm` or `reuse` makes a version too, as in histories of before. */
      onlySpecMakesVersion?: boolean;
    }
  /** What became of a create of a version that had not proven itself when the create began. */
  | { kind: 'createEnded'; at: number; version: number; outcome: CreateOutcome }
  /** The pool has this now. */
  | { kind: 'poolTold'; at: number; template: PoolTemplate }
  /** In its pool the first machine of the version waits. */
  | { kind: 'firstWarm'; at: number; version: number }
  /** VMs are about to be told, or all of them were. */
  | { kind: 'rollBegun'; at: number; order: RollOrder }
  | { kind: 'rollDone'; at: number; revision: number }
  | { kind: 'deleted'; at: number };

export type CreateOutcome = { name: 'ready' } | { name: 'failed'; detail: string };
