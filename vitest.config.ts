import { defineConfig } from 'vitest/config';

/** Boot real guests, which on a computer without KVM must not be many at a time. */
const GUESTS = 'test/provider/qemu-*.test.ts';

/** `unit` is fast and needs nothing; the others start what they need (Temporal's dev server, processes, a browser). */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 10_000 } },
      {
        test: {
          name: 'provider',
          include: ['test/provider/**/*.test.ts'],
          exclude: [GUESTS],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // A boot that hangs is reset after 40 s, so a guest may be there after its second one.
      { test: { name: 'guests', include: [GUESTS], testTimeout: 120_000, hookTimeout: 60_000 } },
      {
        test: {
          name: 'workflow',
          include: ['test/workflow/**/*.test.ts', 'test/replay/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 180_000 } },
      { test: { name: 'chaos', include: ['test/chaos/**/*.test.ts'], testTimeout: 240_000, hookTimeout: 180_000 } },
    ],
  },
});
