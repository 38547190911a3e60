/** What happens to droplets and addresses takes time, is one action each, and can fail. */
import { notFound, pendingEvent } from './api-error.ts';
import type { Action, Droplet, ReservedIp } from './resources.ts';

/** What an action does at its end. */
export interface ActionStart {
  type: string;
  of: Droplet | ReservedIp;
  /** False: it turned out to be impossible, and the action is `errored`. */
  finish: () => unknown;
  /** When it ends in an error. */
  failed?: () => void;
}

export class Actions {
  readonly all = new Map<number, Action>();
  /** Types whose next actions end as `errored`, and how often. */
  readonly failNext = new Map<string, number>();
  /** How long one takes; may be changed at any time. */
  stepMs: number;
  private nextId = 36_800_000;
  /** What waits for a release; undefined while nothing is held. */
  private held: (() => void)[] | undefined;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  get(id: string): Action {
    const action = this.all.get(Number(id));
    if (action === undefined) throw notFound();
    return action;
  }

  of(type: Action['resource_type'], id: number): Action[] {
    return [...this.all.values()].filter((one) => one.resource_type === type && one.resource_id === id).reverse();
  }

  /** Begins one; what it is about is locked meanwhile. @throws ApiError 422 while another one is under way. */
  start({ type, of, finish, failed }: ActionStart): Action {
    if (of.pending !== null) throw pendingEvent();
    const about =
      'id' in of ? { id: of.id, type: 'droplet' as const } : { id: numberOf(of.ip), type: 'reserved_ip' as const };
    const action: Action = {
      id: this.nextId++,
      status: 'in-progress',
      type,
      started_at: secondsNow(),
      completed_at: null,
      resource_id: about.id,
      resource_type: about.type,
      region_slug: of.region,
    };
    this.all.set(action.id, action);
    of.pending = action;
    const fails = this.takesFailure(type);
    this.later(() => {
      of.pending = null;
      action.completed_at = secondsNow();
      if (fails) failed?.();
      action.status = fails || finish() === false ? 'errored' : 'completed';
    });
    return action;
  }

  /** After one step, unless the server is closed before. */
  later(work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (this.held === undefined) work();
      else this.held.push(work);
    }, this.stepMs);
    this.timers.add(timer);
  }

  /** From now on no action ends. */
  hold(): void {
    this.held ??= [];
  }

  /** What was held ends now, and what comes after its time. */
  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const work of held) work();
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  private takesFailure(type: string): boolean {
    const times = this.failNext.get(type) ?? 0;
    this.failNext.set(type, Math.max(0, times - 1));
    return times > 0;
  }
}

/** The API tells times by the second. */
export function secondsNow(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

function numberOf(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
