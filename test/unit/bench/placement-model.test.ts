import { describe, expect, it } from 'vitest';
import type { Exploration } from '../../../test-support/exploration.ts';
import { explore } from '../../../test-support/placement/explore.ts';
import { MUTANTS, mutantBudget, mutantRules } from '../../../test-support/placement/mutants.ts';
import { NOTHING, RULES, type Budget } from '../../../test-support/placement/rules.ts';

const said = ({ states, violation }: Exploration): string =>
  violation === null
    ? `${states} states`
    : `${violation.what} (after ${states} states):\n  ${violation.steps.join('\n  ')}`;

/** What may go wrong within one exploration: each with each, and messages beside them. */
const TROUBLE: readonly (readonly [what: string, budget: Partial<Budget>])[] = [
  ['a host that crashes, a delete, and an answer that is late', { crashes: 1, deletes: 1, late: 1 }],
  ['a host that is paused, a delete, and an answer that is late', { pauses: 1, deletes: 1, late: 1 }],
  ['a host that is cut off, and a delete', { partitions: 1, deletes: 1 }],
  [
    'answers that are late and lost, a full host, a create that fails, and a delete',
    { lost: 1, late: 1, handBacks: 1, failures: 1, deletes: 1 },
  ],
  ['a host that crashes, and the VM is created again under its name', { crashes: 1, deletes: 1, lives: 2 }],
];

describe('two hosts and one VM, every order of what may happen:', () => {
  it.each(TROUBLE)(
    '%s: never two machines serve, none is left, and the VM ends or serves',
    { timeout: 60_000 },
    (what, budget) => {
      const found = explore({ ...NOTHING, ...budget }, RULES);
      console.log(`placement, ${what}: ${said(found)}`);
      expect(found.violation, said(found)).toBeNull();
      expect(found.states).toBeGreaterThan(1000);
    },
  );
});

describe('a placement protocol is found out that', () => {
  it.each(Object.entries(MUTANTS))('%s', { timeout: 60_000 }, (_name, mutant) => {
    const found = explore(mutantBudget(mutant), mutantRules(mutant));
    expect(found.violation?.what, said(found)).toMatch(mutant.seen);
    expect(found.violation?.steps.at(-1), said(found)).toBe(mutant.by);
  });
});
