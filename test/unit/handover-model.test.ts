import { describe, expect, it } from 'vitest';
import type { Exploration } from '../../test-support/exploration.ts';
import { explore } from '../../test-support/handover/explore.ts';
import { MUTANTS, mutantBudget, mutantRules } from '../../test-support/handover/mutants.ts';
import { NOTHING, RULES, type Budget, type Rules } from '../../test-support/handover/rules.ts';

const said = ({ states, violation }: Exploration): string =>
  violation === null
    ? `${states} states`
    : `${violation.what} (after ${states} states):\n  ${violation.steps.join('\n  ')}`;

const expectNone = (found: Exploration): void => expect(found.violation, said(found)).toBeNull();

/** What may go wrong within one exploration: each with each, and messages late in all of them. */
const TROUBLE: readonly (readonly [what: string, budget: Partial<Budget>])[] = [
  ['a replica of the API crashes, and a VM', { apiCrashes: 1, vmCrashes: 1 }],
  ['the pool crashes', { poolCrashes: 1 }],
  ['the warm workflow crashes, and a VM', { warmCrashes: 1, vmCrashes: 1 }],
  ['the warm workflow crashes, and its host, which is given up', { warmCrashes: 1, hostCrashes: 1, givenUp: 1 }],
  ['a message is lost, and a VM is deleted', { lost: 1, deletes: 1 }],
  ['a message is lost, and a host is given up', { lost: 1, givenUp: 1 }],
  ['a message comes twice, and the pool wants the machine no more', { repeated: 1, retires: 1 }],
];

describe('two claims for one warm machine, every order of what may happen:', () => {
  it.each(TROUBLE)(
    '%s: one owner at most, nothing is left, and each claim gets a machine',
    { timeout: 60_000 },
    (what, budget) => {
      const found = explore({ ...NOTHING, ...budget }, RULES);
      console.log(`handover, ${what}: ${said(found)}`);
      expectNone(found);
      expect(found.states).toBeGreaterThan(1000);
    },
  );

  it('nothing waits for a sweep where no workflow was terminated', { timeout: 60_000 }, () => {
    const budget = { lost: 1, hostCrashes: 1, givenUp: 1 };
    expectNone(explore({ ...NOTHING, ...budget }, { ...RULES, sweeps: false }));
  });

  it('a pool that gives one machine to two claims costs nobody anything', { timeout: 60_000 }, () => {
    const grantClaims: Rules['grantClaims'] = ({ ready, grants }, requests, at) => ({
      ...RULES.grantClaims({ ready, grants }, requests, at),
      ready,
    });
    expectNone(explore({ ...NOTHING, lost: 1 }, { ...RULES, grantClaims }));
  });
});

describe('a handover is found out that', () => {
  it.each(Object.entries(MUTANTS))('%s', { timeout: 60_000 }, (_name, mutant) => {
    const found = explore(mutantBudget(mutant), mutantRules(mutant));
    expect(found.violation?.what, said(found)).toMatch(mutant.seen);
  });
});
