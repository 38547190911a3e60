import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { lanesOfHost, type CreateLane } from '../../../domain/capacity/create-lanes.ts';
import { CreatePuller } from '../../../worker/host/pull/create-puller.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const SIZE = { cpus: 8, memoryMb: 8192, diskGb: 100 };
const LANE = 'selector' satisfies CreateLane;

function puller(): CreatePuller {
  const room = {
    ...{ total: SIZE, free: () => SIZE, admit: () => true, holds: () => false },
    ...{ refresh: () => Promise.resolve(), onRoom: () => undefined, waiting: () => 0 },
  };
  return new CreatePuller({
    ...{ hostId: 'h', room, lanes: lanesOfHost(null), isOpen: () => true, hosts: () => Promise.resolve([]) },
    describe: () => Promise.resolve({ waiting: 0, waitSeconds: 0, pollers: [] }),
    log: { debug: () => undefined, info: () => undefined } as never,
  });
}

/** Seconds until this host looks at creates of the lane again. */
async function looksAgainAfter(host: CreatePuller): Promise<number> {
  const begunAt = Date.now();
  const looked = host.whenWanted(LANE, new AbortController().signal).then(() => (Date.now() - begunAt) / 1000);
  await vi.advanceTimersByTimeAsync(60_000);
  return looked;
}

it.each([
  [2, 4],
  [100, 32],
])('a host that handed back what is for one of %i others looks again within %i s', async (others, seconds) => {
  const host = puller();
  for (let refusals = 0; refusals < 10; refusals += 1) host.pause(LANE, others);
  expect(await looksAgainAfter(host)).toBeLessThan(seconds);
});

it('a host that handed back what is for one of many others leaves it to them for longer', async () => {
  const host = puller();
  for (let refusals = 0; refusals < 10; refusals += 1) host.pause(LANE, 100);
  expect(await looksAgainAfter(host)).toBeGreaterThan(25);
});
