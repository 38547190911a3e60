/** Placement protocols that are wrong in one point each, what must go wrong for it to show, and what is seen of it. */
import { CLOCKS, NOTHING, RULES, type Budget, type Rules } from './rules.ts';

interface Mutant {
  rules: Partial<Rules>;
  budget: Partial<Budget>;
  seen: RegExp;
  /** The last step of the shortest way to it. */
  by: string;
}

const CRASH = { crashes: 1 };
const PAUSE = { pauses: 1 };
const PARTITION = { partitions: 1 };
const DELETE = { deletes: 1 };

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'asks again under the same id when a host that took the create was not heard of': {
    rules: { newIdAfterLostPlace: false },
    budget: PARTITION,
    seen: /a machine is left|because of its own undo/,
    by: 'host 0 answers for m-1',
  },
  'has no fence': {
    rules: { fences: false },
    budget: PARTITION,
    seen: /two machines serve/,
    by: 'host 1 lets users in to m-2',
  },
  'calls a host lost before its fence has acted': {
    rules: { clocks: { ...CLOCKS, fence: CLOCKS.heartbeat + CLOCKS.lost + 1 } },
    budget: PARTITION,
    seen: /two machines serve/,
    by: 'host 1 lets users in to m-2',
  },
  'releases the VMs of a host that is only away': {
    rules: { releasesOnlyLost: false },
    budget: PARTITION,
    seen: /two machines serve/,
    by: 'host 1 lets users in to m-2',
  },
  'lets a host that returns work before it has reconciled': {
    rules: { reconcilesFirst: false },
    budget: CRASH,
    seen: /before it has reconciled/,
    by: 'host 0 takes the create of m-2',
  },
  'hands a create back and keeps what it made': {
    rules: { handsBackNothingMade: false },
    budget: { failures: 1 },
    seen: /a machine is left/,
    by: 'host 1 lets users in to m-1',
  },
  'asks for the same id again where it was destroyed': {
    rules: { undoneAsksNewId: false },
    budget: { failures: 1 },
    seen: /because of its own undo/,
    by: 'host 0 answers for m-1',
  },
  'acknowledges a cancel before it has undone its create': {
    rules: { undoesBeforeCancelAck: false },
    budget: DELETE,
    seen: /after it was seen gone/,
    by: 'host 0 hears of the cancel of m-1',
  },
  'has any host destroy a machine': {
    rules: { destroysAtPlace: false },
    budget: DELETE,
    seen: /after it was seen gone/,
    by: 'host 1 destroys m-1',
  },
  'takes the late answer of an attempt that was given up': {
    rules: { refusesLateCompletions: false },
    budget: { late: 1, ...DELETE },
    seen: /after it was seen gone|a machine is left|two machines serve|counts as lost/,
    by: 'host 1 makes m-2 (an attempt that was given up)',
  },
  'releases the VMs of a lost host while that host is back at work': {
    rules: { returnEndsRelease: false },
    budget: PARTITION,
    seen: /two machines serve|counts as lost/,
    by: 'the VMs of host 0 are released',
  },
  'lets a host without a lease take creates': {
    rules: { checksLeaseBeforeCreate: false },
    budget: { ...PAUSE },
    seen: /before it has reconciled|neither serves nor ends|two machines serve|counts as lost/,
    by: 'host 0 takes the create of m-2',
  },
  'counts a machine as gone that another host does not know': {
    rules: { asksTheRightHost: false },
    budget: {},
    seen: /counts as lost/,
    by: 'host 1 sweeps',
  },
  'makes an id again that was destroyed': {
    rules: { keepsTombstones: false },
    budget: { ...PAUSE, ...DELETE },
    seen: /after it was seen gone/,
    by: 'host 0 makes m-1 (an attempt that was given up)',
  },
  'sweeps only machines whose owner has closed': {
    rules: { sweepsMovedOn: false },
    budget: { late: 1 },
    seen: /a machine is left/,
    by: 'host 0 lets users in to m-2',
  },
  'waits for the destroy of a machine on a host that is lost': {
    rules: { endsDestroyingOfLost: false },
    budget: { ...CRASH, ...DELETE },
    seen: /neither serves nor ends/,
    by: 'the VMs of host 0 are released',
  },
};

export function mutantRules({ rules }: Mutant): Rules {
  return { ...RULES, ...rules };
}

export function mutantBudget({ budget }: Mutant): Budget {
  return { ...NOTHING, ...budget };
}
