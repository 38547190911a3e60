/** What happens to a pool, and what it then makes and lets go. */
import { grantClaims, type Grant } from './claims.ts';
import { limitsAt, nextChange, wantsPlan } from './schedule.ts';
import {
  NO_FAILURES,
  type ClaimCount,
  type HostPlace,
  type Pool,
  type PoolMachine,
  type PoolTemplate,
  type SchedulePlan,
  type WarmSettings,
} from './state.ts';

/** Longest pause before another machine of a template whose machines fail. */
const MAX_BACKOFF_SECONDS = 300;
/** More of what a machine failed for is not kept: it is in every view of the pool. */
const MAX_DETAIL_CHARACTERS = 500;
/** Machines of a template that fails are made one at a time. */
const STARTS_WHILE_FAILING = 1;
/** How long demand counts. */
const DEMAND_MS = 60_000;
const DEMAND_PART_MS = 5000;
/** A machine whose workflow reports nothing for so long, its own time-outs included, is retired. */
const START_OVERDUE_MS = 1_200_000;
const LEAVE_OVERDUE_MS = 600_000;
const READY_MARGIN_MS = 120_000;

export type PoolEvent = { at: number } & (
  | { kind: 'configured'; template: PoolTemplate }
  /** `place`: the host that is asked for it first. */
  | { kind: 'started'; machineId: string; version: number; place?: HostPlace }
  | { kind: 'ready'; machineId: string; place?: HostPlace }
  /** Its host takes no creates any more. */
  | { kind: 'evicted'; machineId: string }
  /** Its workflow has closed; `failed`: before it was ready, and why. */
  | { kind: 'over'; machineId: string; failed: string | null }
  | { kind: 'retired'; machineId: string }
  /** What the schedule of a version of the template says, read from these settings of it. */
  | { kind: 'planned'; version: number; warm: WarmSettings; plan: SchedulePlan }
  /** The template knows that a machine of this version waits. */
  | { kind: 'firstWarmTold'; version: number }
);

export function nextPool(pool: Pool, event: PoolEvent): Pool {
  const { at } = event;
  switch (event.kind) {
    case 'configured':
      return configured(pool, event.template);
    case 'started': {
      const { machineId, version, place } = event;
      const machine: PoolMachine = { machineId, version, state: 'starting', overdueAt: at + START_OVERDUE_MS };
      return { ...pool, machines: [...pool.machines, place === undefined ? machine : { ...machine, place }] };
    }
    case 'ready':
      return ready(pool, event);
    case 'evicted':
      return {
        ...pool,
        machines: pool.machines.map((one) => (one.machineId === event.machineId ? { ...one, evicted: true } : one)),
      };
    case 'over':
      return over(pool, event.machineId, event.failed, at);
    case 'retired':
      return {
        ...pool,
        machines: pool.machines.map((one) => (one.machineId === event.machineId ? leaving(one, at) : one)),
      };
    case 'planned':
      return isOf(event, pool.template) ? { ...pool, plan: event.plan } : pool;
    case 'firstWarmTold':
      return { ...pool, firstWarmTold: event.version };
  }
}

function isOf(read: { version: number; warm: WarmSettings }, template: PoolTemplate | null): boolean {
  return read.version === template?.version && isScheduledAlike(read.warm, template.warm);
}

function isScheduledAlike(one: WarmSettings | null, other: WarmSettings | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function configured(pool: Pool, template: PoolTemplate): Pool {
  const { revision = 0 } = pool.template ?? {};
  if (template.revision !== undefined && template.revision < revision) return pool;
  const isNew = template.version !== pool.template?.version;
  const { plan, ...rest } = pool;
  const isAlike = isScheduledAlike(template.warm, pool.template?.warm ?? null);
  const kept = plan !== undefined && isAlike ? { plan } : {};
  const next: Pool = { ...rest, template, ...kept, ...(isNew ? { failures: NO_FAILURES } : {}) };
  // A version that comes back was held back meanwhile: its template wants to hear of its machines again.
  if (isNew || template.warm === null) delete next.firstWarmTold;
  return next;
}

function ready(
  pool: Pool,
  { machineId, place, at }: { machineId: string; place?: HostPlace | undefined; at: number },
): Pool {
  const ttlSeconds = pool.template?.warm?.ttlSeconds ?? 0;
  const overdueAt = at + ttlSeconds * 1000 + READY_MARGIN_MS;
  const machines = pool.machines.map((one): PoolMachine => {
    if (one.machineId !== machineId || one.state !== 'starting') return one;
    return { ...one, state: 'ready', overdueAt, ...(place === undefined ? {} : { place }) };
  });
  return { ...pool, machines, failures: NO_FAILURES };
}

function over(pool: Pool, machineId: string, failed: string | null, at: number): Pool {
  const machine = pool.machines.find((one) => one.machineId === machineId);
  if (machine === undefined) return pool;
  const rest = { ...pool, machines: pool.machines.filter((one) => one !== machine) };
  if (failed === null || machine.version !== pool.template?.version) return rest;
  const inRow = pool.failures.inRow + 1;
  const retryAt = at + Math.min(MAX_BACKOFF_SECONDS, 2 ** (inRow - 1)) * 1000;
  const counters = { ...pool.counters, failed: pool.counters.failed + 1 };
  return { ...rest, counters, failures: { inRow, detail: failed.slice(0, MAX_DETAIL_CHARACTERS), retryAt } };
}

function leaving(machine: PoolMachine, at: number): PoolMachine {
  return { ...machine, state: 'leaving', overdueAt: at + LEAVE_OVERDUE_MS };
}

/** The version of which the template is to be told that a machine waits; null where it knows, or does not want to. */
export function firstWarmToTell({ template, machines, firstWarmTold }: Pool): number | null {
  if (template?.rollIdle !== true || template.warm === null || template.version === firstWarmTold) return null;
  const isThere = machines.some(({ state, version }) => state === 'ready' && version === template.version);
  return isThere ? template.version : null;
}

/** One that a caller made. */
export interface Claim {
  id: string;
  /** Of the template, that the machine must be made from; absent: the one that serves. */
  version?: number | undefined;
}

/**
 * Grants the oldest machines first, none on a host that takes no creates, and last those that are to be replaced. A replica of
 * the API that knows an earlier version gets machines of that one.
 */
export function claimFrom(
  pool: Pool,
  claims: readonly Claim[],
  at: number,
  closedHosts: readonly string[] = [],
): { pool: Pool; granted: (Grant | null)[]; fresh: Grant[] } {
  const fresh: Grant[] = [];
  let { grants }: { grants: readonly Grant[] } = pool;
  const answers = new Map<Claim, Grant | null>();
  const versionOf = ({ version = pool.template?.version }: Claim): number | undefined => version;
  for (const version of new Set(claims.map(versionOf))) {
    const asked = claims.filter((claim) => versionOf(claim) === version);
    const fitting = pool.machines
      .filter((machine) => machine.state === 'ready' && machine.version === version)
      .filter(({ place }) => place === undefined || !closedHosts.includes(place.host));
    const stay = fitting.filter(({ evicted }) => evicted !== true);
    const ready = [...stay, ...fitting.filter((one) => !stay.includes(one))].map(({ machineId }) => machineId);
    const answer = grantClaims(
      { ready, grants },
      asked.map(({ id }) => id),
      at,
    );
    grants = answer.grants;
    fresh.push(...answer.fresh);
    asked.forEach((claim, index) => answers.set(claim, answer.granted[index] ?? null));
  }
  const granted = claims.map((claim) => answers.get(claim) ?? null);
  const given = new Set(fresh.map(({ machineId }) => machineId));
  const machines = pool.machines.map((one) => (given.has(one.machineId) ? leaving(one, at) : one));
  const missed = granted.filter((grant) => grant === null).length;
  const counters = {
    ...pool.counters,
    claimed: pool.counters.claimed + fresh.length,
    missed: pool.counters.missed + missed,
  };
  const recent = counted(pool.recent, fresh.length + missed, at);
  return { pool: { ...pool, machines, grants: [...grants], counters, recent }, granted, fresh };
}

function counted(recent: readonly ClaimCount[], claims: number, at: number): ClaimCount[] {
  const kept = recent.filter((count) => count.at > at - DEMAND_MS);
  const last = kept.at(-1);
  if (claims === 0) return kept;
  if (last === undefined || last.at <= at - DEMAND_PART_MS) return [...kept, { at, claims }];
  return [...kept.slice(0, -1), { at: last.at, claims: last.claims + claims }];
}

/** So many machines shall wait or be under way: as many as were claimed within a minute, within the limits. */
export function desired(pool: Pool, at: number): number {
  const { template, recent } = pool;
  const limits = limitsAt(pool, at);
  if (limits === null || template?.warm?.paused === true) return 0;
  const demand = recent.reduce((sum, one) => (one.at > at - DEMAND_MS ? sum + one.claims : sum), 0);
  return Math.min(limits.max, Math.max(limits.min, demand));
}

export interface PoolPlan {
  /** So many machines are to be made now. */
  start: number;
  /** Ids of machines that are not wanted any more. */
  retire: string[];
  /** Ids of machines that have not reported in time, which are retired too. */
  overdue: string[];
  /** When to look again, whatever happens; null: when something happens. */
  wakeAt: number | null;
}

/**
 * What is to be done now. New versions come first, then earlier ones go, and never fewer wait than are wanted. So do those
 * whose host takes no creates any more.
 */
export function planOf(pool: Pool, at: number): PoolPlan {
  const overdue = pool.machines.filter(({ overdueAt }) => overdueAt <= at).map(({ machineId }) => machineId);
  const limits = limitsAt(pool, at);
  // Nothing is made, and nothing goes, before it is known what the schedule says.
  if (limits === null) return { start: 0, retire: [], overdue, wakeAt: wakeAt(pool, at) };
  const wanted = desired(pool, at);
  const held = pool.machines.filter(({ state }) => state !== 'leaving');
  const current = held.filter(({ version, evicted }) => version === pool.template?.version && evicted !== true);
  const earlier = held.filter((one) => !current.includes(one));
  const isHeldBack = pool.failures.inRow > 0;
  const inFlight = current.filter(({ state }) => state === 'starting').length;
  const missing = Math.max(0, wanted - current.length);
  const room = Math.max(0, limits.max - held.length);
  const allowed = !isHeldBack ? room : at < pool.failures.retryAt ? 0 : Math.max(0, STARTS_WHILE_FAILING - inFlight);
  const start = Math.min(missing, room, allowed);
  const retire = [...surplus(current, wanted), ...outdated(earlier, current, wanted, missing > 0 && room === 0)];
  return { start, retire, overdue, wakeAt: wakeAt(pool, at) };
}

/** Those that are not ready first, the youngest first. */
function surplus(current: readonly PoolMachine[], wanted: number): string[] {
  const byUse = [...current].sort((a, b) => Number(a.state === 'starting') - Number(b.state === 'starting'));
  return byUse.slice(wanted).map(({ machineId }) => machineId);
}

/** Those that others have replaced, and one more where there is no room for the first of its successors. */
function outdated(
  earlier: readonly PoolMachine[],
  current: readonly PoolMachine[],
  wanted: number,
  isFull: boolean,
): string[] {
  const replaced = current.filter(({ state }) => state === 'ready').length;
  const starting = earlier.filter(({ state }) => state === 'starting');
  const serving = earlier.filter(({ state }) => state === 'ready');
  const tooMany = Math.max(0, serving.length + replaced - wanted);
  const inTheWay = isFull && starting.length === 0 && tooMany === 0 ? 1 : 0;
  return [...starting, ...serving.slice(0, tooMany + inTheWay)].map(({ machineId }) => machineId);
}

/** When time alone asks for another look; null: never. */
export function wakeAt(pool: Pool, at: number): number | null {
  const { failures, machines, recent, template, plan } = pool;
  const times = [
    ...machines.map(({ overdueAt }) => overdueAt),
    ...(failures.inRow > 0 ? [failures.retryAt] : []),
    // Demand that has passed needs fewer machines.
    ...(template?.warm ? recent.map((count) => count.at + DEMAND_MS) : []),
    ...[nextChange(pool, at)?.at, wantsPlan(pool, at) ? undefined : plan?.until].filter((time) => time !== undefined),
  ].filter((time) => time > at);
  return times.length === 0 ? null : Math.min(...times);
}
