/** 1,000 sweeps beside healthy VMs under churn, and how soon the machines of 60 terminated workflows are gone. */
import { runOrphans, runSweeps } from '../test-support/trials/sweep-trial.ts';
import { startStack } from '../test-support/stack.ts';
import { startTestServer } from '../test-support/temporal-server.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import { median, percentile } from './harness/statistics.ts';

const SWEEPS = sizeOption('sweeps', 1000);
const ORPHANS = sizeOption('orphans', 60);
const PERIOD_SECONDS = sizeOption('period', 10);
const MOST_SECONDS = PERIOD_SECONDS + 15;

const server = await startTestServer();
const stack = await startStack({ server, env: { EPHEMERA_SWEEP_INTERVAL_SECONDS: `${PERIOD_SECONDS}` } });
try {
  const orphans = await runOrphans({ server, stack, orphans: ORPHANS, spreadSeconds: PERIOD_SECONDS });
  progress(`${ORPHANS} machines of terminated workflows are gone`);
  const sweeps = await runSweeps({ server, stack, sweeps: SWEEPS });
  const goneSeconds = orphans.goneAfterMs.map((ms) => ms / 1000);
  const p99 = percentile(goneSeconds, 0.99);
  const falseKills = [...sweeps.falseKills, ...orphans.hurtBystanders];
  await report({
    name: 'sweeps',
    connection: server.connection,
    lines: [
      {
        what: `false kills in ${SWEEPS} sweeps beside ${sweeps.lives} lives`,
        peer: null,
        ours: falseKills.length,
        bar: '0',
        met: falseKills.length === 0,
      },
      {
        what: `p99 s until the orphan of a terminated workflow is gone, sweeps every ${PERIOD_SECONDS} s`,
        peer: null,
        ours: p99,
        bar: `<= sweep period + 15 s (${MOST_SECONDS} s)`,
        met: p99 <= MOST_SECONDS,
      },
      { what: 'p50 s (the same)', peer: null, ours: median(goneSeconds), bar: null, met: null },
    ],
    raw: { ...sweeps, ...orphans, falseKills, periodSeconds: PERIOD_SECONDS },
  });
} finally {
  await stack.stop();
  await server.stop();
}
