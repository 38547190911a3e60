/**
 * Which recorded histories are the two sides of a patch: one of a run that took it and one of a run that began before it.
 * Imports nothing of the product, so that a unit test may ask.
 */
import { readFileSync } from 'node:fs';

interface Sides {
  with: string;
  before: string;
}

/** Where a life of another table comes to the patch its history is a side; it is not recorded twice. */
const RECORDED_ELSEWHERE: Readonly<Record<string, Partial<Sides>>> = {
  'notice-hold-ends': { with: 'held' },
  'publish-before-continuing': { with: 'continued-as-new-when-ready' },
  'bounds-host-facts': { with: 'host-facts-refused' },
  'probes-before-loss': { with: 'lost-past-its-grace', before: 'lost-past-its-grace-unasked' },
  'continues-pools-under-load': { with: 'pool-continued-as-new-under-load' },
  'returns-unasked': { with: 'vm-gave-back-what-it-never-asked-for' },
  'asks-after-hearsay': { with: 'started-again-and-called-lost' },
  'ends-with-its-disk': { with: 'stopped-and-gone' },
  'continues-while-stopping': { with: 'answers-before-continuing-with' },
  'replaces-before-it-goes': { with: 'warm-replaced-before-it-goes' },
  'spreads-pools': { with: 'pool-spread-over-hosts' },
};

/** Patches of which no pair can be recorded, each with the reason. */
export const UNPAIRED: Readonly<Record<string, string>> = {};

/** The names of the two files of a patch, without `.json`. */
export function sidesOf(patch: string): Sides {
  return { with: `${patch}-with`, before: `${patch}-before`, ...RECORDED_ELSEWHERE[patch] };
}

/** What the life of a patch is recorded for. */
export function recordedFor(patch: string): string[] {
  const { with: withIt, before } = sidesOf(patch);
  return [withIt, before].filter((file) => file === `${patch}-with` || file === `${patch}-before`);
}

/** The ids of all patches, as they stand in workflows/patches.ts. */
export function allPatches(): string[] {
  const source = readFileSync(new URL('../../workflows/patches.ts', import.meta.url), 'utf8');
  return [...source.matchAll(/\bpatched\(\s*['"]([^'"]+)['"]/g)].map(([, patch = '']) => patch);
}

export const PAIRED: readonly string[] = allPatches().filter((patch) => UNPAIRED[patch] === undefined);
