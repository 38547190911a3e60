/** 1,000 creates of three sizes on 8 hosts with lives that end, and what a policy made of them. */
import type { RoomSize } from '../../domain/capacity/room.ts';
import { median, percentile } from '../../bench/harness/statistics.ts';
import { seededRandom } from '../seeded-random.ts';
import { simulate, type PlacementPolicy, type SimulatedCreate } from './simulation.ts';

export interface Scenario {
  name: string;
  hosts: number;
  host: RoomSize;
  creates: number;
  createsPerSecond: number;
  sizes: { name: string; share: number; size: RoomSize }[];
  lifeSeconds: (random: (below: number) => number) => number;
  /** Until a poll has brought a create that waits; 15 ms unless said. */
  pollSeconds?: number;
}

const cpus = (count: number): RoomSize => ({ cpus: count, memoryMb: count * 1024, diskGb: 0 });

const uneven = (least: number, most: number) => (random: (below: number) => number) =>
  least + random((most - least) * 1000) / 1000;

/** Twice as much is asked for as 8 hosts can give: 70 % ask one cpu of 16, 25 % four, 5 % a whole host. */
export const THREE_SIZES: Scenario = {
  name: '1,000 creates on 8 hosts of 16 cpus: 70 % one cpu, 25 % four, 5 % a whole host; lives of 5 s',
  hosts: 8,
  host: cpus(16),
  creates: 1000,
  createsPerSecond: 20,
  sizes: [
    { name: 'small', share: 0.7, size: cpus(1) },
    { name: 'middle', share: 0.25, size: cpus(4) },
    { name: 'big', share: 0.05, size: cpus(16) },
  ],
  lifeSeconds: () => 5,
};

/** The same with lives from 1 to 15 s, so that a host that waits to be empty waits for its longest. */
export const UNEVEN_LIVES: Scenario = {
  ...THREE_SIZES,
  name: 'the same with lives of 1 to 15 s',
  createsPerSecond: 13,
  lifeSeconds: uneven(1, 15),
};

/** The same, all asked for at once. */
export const AT_ONCE: Scenario = { ...THREE_SIZES, name: 'the same, all asked for at once', createsPerSecond: 1e6 };

/** Sizes that fill no host evenly and differ within their class. */
export const ODD_SIZES: Scenario = {
  ...THREE_SIZES,
  name: 'one, three and eleven cpus',
  sizes: [
    { name: 'small', share: 0.7, size: cpus(1) },
    { name: 'middle', share: 0.25, size: cpus(3) },
    { name: 'big', share: 0.05, size: cpus(11) },
  ],
  createsPerSecond: 25,
};

/** What the constants of the policy were not chosen by: other lives, slower polls, more hosts. */
export const HELD_OUT: Scenario[] = [
  { ...THREE_SIZES, name: 'lives of 12 s', createsPerSecond: 8, lifeSeconds: () => 12 },
  { ...THREE_SIZES, name: 'lives of 2 to 30 s', createsPerSecond: 7, lifeSeconds: uneven(2, 30) },
  { ...THREE_SIZES, name: 'polls that take 100 ms', pollSeconds: 0.1 },
  { ...ODD_SIZES, name: 'odd sizes with lives of 1 to 15 s', createsPerSecond: 16, lifeSeconds: uneven(1, 15) },
  { ...THREE_SIZES, name: '24 hosts', hosts: 24, creates: 3000, createsPerSecond: 60 },
];

export interface PlacementFigures {
  policy: string;
  usedShare: number;
  /** Seconds until all were placed. */
  placedAfterSeconds: number;
  handedBackPerCreate: number;
  waits: Record<string, { medianSeconds: number; p95Seconds: number }>;
  medianSeconds: number;
  /** Median wait of the biggest size to the median wait of all. */
  biggestToMedian: number;
}

export function figuresOf(scenario: Scenario, policy: PlacementPolicy, seed: number): PlacementFigures {
  const random = seededRandom(seed);
  const { usedShare, creates, endedAt } = simulate({
    policy,
    hosts: Array.from({ length: scenario.hosts }, () => scenario.host),
    creates: createsOf(scenario, random),
    random,
    ...(scenario.pollSeconds === undefined ? {} : { pollSeconds: scenario.pollSeconds }),
  });
  const waitsOf = (some: SimulatedCreate[]): number[] => some.map(({ askedAt, placedAt }) => placedAt! - askedAt);
  const all = median(waitsOf(creates));
  const waits = Object.fromEntries(
    scenario.sizes.map(({ name }) => {
      const seconds = waitsOf(creates.filter(({ sizeName }) => sizeName === name));
      return [name, { medianSeconds: median(seconds), p95Seconds: percentile(seconds, 0.95) }];
    }),
  );
  const handedBack = creates.reduce((sum, create) => sum + create.handedBack, 0);
  return {
    policy: policy.name,
    usedShare,
    placedAfterSeconds: endedAt,
    handedBackPerCreate: handedBack / creates.length,
    waits,
    medianSeconds: all,
    biggestToMedian: waits[scenario.sizes.at(-1)!.name]!.medianSeconds / all,
  };
}

/** Creates in a random order, spread evenly in time with jitter. */
function createsOf(scenario: Scenario, random: (below: number) => number): SimulatedCreate[] {
  const sizes = scenario.sizes.flatMap((one) =>
    Array.from({ length: Math.round(one.share * scenario.creates) }, () => one),
  );
  for (let index = sizes.length - 1; index > 0; index -= 1) {
    const other = random(index + 1);
    [sizes[index], sizes[other]] = [sizes[other]!, sizes[index]!];
  }
  return sizes.map(({ name, size }, id) => ({
    id,
    sizeName: name,
    size,
    askedAt: (id + random(1000) / 1000) / scenario.createsPerSecond,
    lifeSeconds: scenario.lifeSeconds(random),
    placedAt: null,
    handedBack: 0,
  }));
}
