import { defineConfig } from 'vitest/config';

/** Boot real guests, which on a computer without KVM must not be many at a time. */
const GUESTS = [
  'test/provider/qemu/qemu-*.test.ts',
  'test/e2e/container-hosts.test.ts',
  'test/e2e/full-host.test.ts',
  'test/e2e/host-command.test.ts',
  'test/e2e/real-machines.test.ts',
  'test/e2e/real-sessions.test.ts',
  'test/chaos/storm-guests.test.ts',
];
/** Boots several on each core, so beside it no other guest would come up in time. */
const GUESTS_AT_ONCE = 'test/provider/qemu/qemu-boots.test.ts';
/** Replace a module, or are much work at once: they share their process with no file before them. */
const ALONE = ['test/workflow/worker/call-budget.test.ts', 'test/workflow/worker/new-provider.test.ts'];

/** `unit` is fast and needs nothing; the others start what they need (Temporal's dev server, processes, a browser). */
export default defineConfig({
  test: {
    projects: [
      // Its files leave nothing behind, so they share what they import: half of the processor time was loading it anew.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 10_000, isolate: false } },
      {
        test: {
          name: 'provider',
          include: ['test/provider/**/*.test.ts'],
          exclude: GUESTS,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // A boot that hangs is reset after 40 s, so a guest may be there after its second one.
      {
        test: {
          name: 'guests',
          include: GUESTS,
          exclude: [GUESTS_AT_ONCE],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
        },
      },
      { test: { name: 'guests-at-once', include: [GUESTS_AT_ONCE], hookTimeout: 60_000, maxWorkers: 1 } },
      {
        test: {
          name: 'workflow',
          include: ['test/workflow/**/*.test.ts', 'test/replay/**/*.test.ts'],
          exclude: ALONE,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          isolate: false,
        },
      },
      { test: { name: 'workflow-alone', include: ALONE, testTimeout: 120_000, hookTimeout: 120_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: GUESTS,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          exclude: GUESTS,
          testTimeout: 240_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
