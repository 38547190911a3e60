/**
 * The workflow of a pool: has machines made before anybody asks for them, and grants them to claims.
 *
 * What happens changes its state by `nextPool` and `claimFrom` in domain/pool, `planOf` says what is to be done then. Each
 * machine has a workflow of its own (`warm/<machineId>`), which outlives this one and says what becomes of it.
 */
import { allHandlersFinished, condition, workflowInfo } from '@temporalio/workflow';
import { newPool } from '../../domain/pool/state.ts';
import { planOf, wakeAt } from '../../domain/pool/next.ts';
import { wantsPlan } from '../../domain/pool/schedule.ts';
import { preferredHosts } from '../../domain/pool/spread.ts';
import { continueInFreshHistory, isHistoryFull } from '../fresh-history.ts';
import type { PoolInput } from '../messages.ts';
import { continuesPoolsUnderLoad } from '../patches.ts';
import { handleMessages } from './handlers.ts';
import { readHosts } from './hosts.ts';
import { PoolLife } from './life.ts';
import { retireWarm, startWarm, tellGrants } from './machines.ts';
import { tellFirstWarm } from './first-warm.ts';
import { publish } from './publishing.ts';
import { readSchedule } from './schedule.ts';

/** A run is continued as new at this many events, well before the server's limits. */
const HISTORY_LIMIT_EVENTS = 2000;
/** At least so long between two looks that nothing but time asks for. */
const SHORTEST_WAIT_MS = 1000;

export async function runPool(input: PoolInput): Promise<void> {
  const life = new PoolLife(input.resume ?? newPool(input.project, input.template), input.grants, input.history);
  handleMessages(life);
  const limit = input.historyLimitEvents ?? HISTORY_LIMIT_EVENTS;
  while (!life.isOver) {
    const { wakeAt } = await carryOut(life);
    publish(life);
    if (isHistoryFull(limit) && (!life.hasWork || continuesPoolsUnderLoad())) await goOnAfresh(life, input);
    await nextWork(life, wakeAt);
  }
  await condition(allHandlersFinished);
}

/** What happened meanwhile goes with it: under many claims there is always something to do. */
async function goOnAfresh(life: PoolLife, input: PoolInput): Promise<void> {
  await condition(allHandlersFinished);
  if (life.hasWork && !continuesPoolsUnderLoad()) return;
  const grants = life.takeGrants();
  await continueInFreshHistory<typeof runPool>({ ...input, resume: life.pool, grants, history: life.history });
}

/** Makes and retires what is to be; machines that were granted are notified first. Returns when to look again. */
async function carryOut(life: PoolLife): Promise<{ wakeAt: number | null }> {
  life.beginWork();
  if (wantsPlan(life.pool, Date.now()) && !life.isPlanning) void readSchedule(life);
  await tellGrants(life.takeGrants());
  await tellFirstWarm(life);
  if (planOf(life.pool, Date.now()).start > 0) await readHosts(life);
  const at = Date.now();
  const plan = planOf(life.pool, at);
  const pool = workflowInfo().workflowId;
  const places = preferredHosts(life.pool, life.hosts?.places ?? [], plan.start);
  await Promise.all([
    ...places.map((place) => startWarm(life, pool, place)),
    ...[...plan.retire, ...plan.overdue].map((machineId) => retireWarm(life, machineId)),
  ]);
  // What became due meanwhile is looked at too.
  return { wakeAt: wakeAt(life.pool, at) };
}

async function nextWork(life: PoolLife, wakeAt: number | null): Promise<void> {
  const isDue = (): boolean => life.hasWork || life.isOver;
  if (wakeAt === null) await condition(isDue);
  else await condition(isDue, Math.max(SHORTEST_WAIT_MS, wakeAt - Date.now()));
}
