import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMachineActivities } from '../../../activities/machine/machine-activities.ts';
import type { CallPurpose, CallRate } from '../../../domain/capacity/call-budget.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { CallBudget, type CallAnswer, type CallRequest } from '../../../providers/call-budget.ts';
import { AgentLinks } from '../../../worker/links/agent-links.ts';
import { temporalVmSignals } from '../../../worker/links/vm-signals.ts';
import { pino } from 'pino';
import type { runVm } from '../../../workflows/vm/vm.ts';
import { destroySignal } from '../../../workflows/messages.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { checkedStarts, signedStart } from '../../../test-support/signed-start.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { SlowProvider } from '../../../test-support/workflow/slow-provider.ts';
import {
  runHost,
  runWorker,
  testSpec,
  untilView,
  workflowBundle,
  type VmHandle,
} from '../../../test-support/workflow/vm-harness.ts';

/** Far less than what a busy machine can start, or nothing would ever wait. */
const RATE: CallRate = { callsPerSecond: 8, burst: 10, reservedForDestroys: 0.25 };
const SLOW_MS = 250;
const OLD = 10;
const NEW = 100;

/** Notes how long each operation waited for its turn over all its tries. */
class WatchedBudget extends CallBudget {
  readonly waits: { purpose: CallPurpose; ms: number }[] = [];

  override async admit(request: CallRequest, signal: AbortSignal): Promise<CallAnswer> {
    const begun = Date.now();
    const answer = await super.admit(request, signal);
    this.waits.push({ purpose: request.purpose, ms: Date.now() - begun });
    return answer;
  }

  longest(purpose: CallPurpose): number {
    return Math.max(0, ...this.waits.filter((wait) => wait.purpose === purpose).map(({ ms }) => ms));
  }
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.stop();
});

describe('100 creates at once on a slow provider, and destroys among them', () => {
  it('stay within the budget, let the destroys go first, say what they wait for, and time out nowhere', async () => {
    const queue = `budget-${randomUUID().slice(0, 8)}`;
    const provider = new SlowProvider(SLOW_MS);
    const budget = new WatchedBudget({ rate: RATE });
    const links = new AgentLinks({
      provider,
      signals: temporalVmSignals(server.client),
      log: pino({ level: 'silent' }),
    });
    const activities = createMachineActivities({
      provider,
      budget,
      links,
      issueBootstrap: null,
      ...checkedStarts(),
    });
    const stops = [
      // A hundred workflows in the thread that sends the heartbeats would hold them up.
      await runWorker(server, { taskQueue: queue, workflowBundle: await workflowBundle(), debugMode: false }),
      await runHost(server, queue, activities),
    ];
    const readiness = { kind: 'machine', port: null, path: null, timeoutSeconds: 300 } as const;
    const startMany = (count: number): Promise<VmHandle[]> =>
      Promise.all(
        Array.from({ length: count }, () => {
          const name = `vm-${randomUUID().slice(0, 8)}`;
          return server.client.workflow.start<typeof runVm>('vm', {
            workflowId: vmWorkflowId('default', name),
            taskQueue: queue,
            args: [signedStart({ project: 'default', name, spec: testSpec({ readiness }) })],
          });
        }),
      );
    // One after the other: hundreds that ask all the time would be most of what the computer does.
    const untilRunning = async (handles: VmHandle[]): Promise<void> => {
      const until = Date.now() + 200_000;
      for (const handle of handles)
        await untilView(handle, ({ state }) => state === 'running', Math.max(1000, until - Date.now()));
    };
    try {
      const old = await startMany(OLD);
      await untilRunning(old);
      budget.waits.length = 0;
      const fresh = await startMany(NEW);
      await eventually(() => expect(budget.waiting().starting).toBeGreaterThan(20), 60_000);
      await Promise.all(old.map((handle) => handle.signal(destroySignal)));
      await eventually(async () => {
        const text = await firstWaitingText(fresh);
        expect(text).toContain(`waiting for the provider's call budget of ${RATE.callsPerSecond} calls a second`);
      }, 60_000);
      await Promise.all(old.map((handle) => handle.result()));
      await untilRunning(fresh);
      // A timer that is late on a busy machine lets what it missed begin at once.
      expect(provider.mostCallsWithin(1000)).toBeLessThanOrEqual((RATE.burst + RATE.callsPerSecond) * 1.1);
      expect(budget.longest('starting')).toBeGreaterThan(1000);
      expect(budget.longest('destroy')).toBeLessThan(budget.longest('starting') / 2);
      expect(provider.machines.size).toBe(NEW);
      for (const handle of fresh) expect(await triesThatTimedOut(handle)).toEqual([]);
    } finally {
      await Promise.all(stops.map((stop) => stop()));
      await links.stop(0);
    }
  }, 300_000);
});

async function firstWaitingText(handles: readonly VmHandle[]): Promise<string | undefined> {
  for (const handle of handles) {
    const text = await waitingText(handle);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** What the Web UI shows of the pending activity's latest heartbeat. */
async function waitingText(handle: VmHandle): Promise<string | undefined> {
  const { raw } = await handle.describe();
  const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
  const details = payload?.data ? (JSON.parse(new TextDecoder().decode(payload.data)) as unknown) : null;
  return (details as { waiting?: string } | null)?.waiting;
}

/** Time-outs of any try of an activity, as the history tells them. */
async function triesThatTimedOut(handle: VmHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const last = event.activityTaskStartedEventAttributes?.lastFailure;
    const isTimeOut = event.activityTaskTimedOutEventAttributes != null || last?.timeoutFailureInfo != null;
    return isTimeOut ? [last?.message ?? 'timed out'] : [];
  });
}
