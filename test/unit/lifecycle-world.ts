/**
 * A model of everything around the pure lifecycle: one name and its lives, a provider whose calls take effect or not
 * and whose replies are lost, late or doubled, workers that die, an agent that tells the truth over a bad line, a
 * sweeper that looks at one moment and acts at another, and people. After each step it checks design §9, 1 to 4.
 */
import { nextDeadline } from '../../domain/deadlines.ts';
import { suspectedLost, sweepVerdict, type Ownership } from '../../domain/sweep.ts';
import type { VmEvent } from '../../domain/vm-events.ts';
import { hasEnded, isServing, newVm, type Vm } from '../../domain/vm-state.ts';
import { START, MACHINE, specOf, type SpecChoices } from './vm-life.ts';

export type Transition = (vm: Vm, event: VmEvent) => Vm;
type Unstamped = VmEvent extends infer Event ? (Event extends VmEvent ? Omit<Event, 'at'> : never) : never;

interface ModelMachine {
  createdAt: number;
  users: number;
  /** Since when somebody has been there without a break; null while nobody is. */
  busySince: number | null;
  sequence: number;
}

interface ModelLife {
  vm: Vm;
  first: Vm;
  events: VmEvent[];
  /** The last question whether it is empty. */
  askedAt: number | null;
  end: 'open' | 'seenGone' | 'letGo' | 'terminated';
}

/** What a state wants to have done. */
interface Task {
  kind: 'create' | 'ready' | 'tellDraining' | 'confirm' | 'probe' | 'destroy';
  machineId: string;
}

export class Violation extends Error {}

const EMPTY_REASONS: readonly string[] = ['idle', 'neverConnected', 'softLifetime', 'drained'];
const FAR_TOO_MANY = 100_000;

export class LifecycleWorld {
  now = START;
  readonly lives: ModelLife[] = [];
  readonly machines = new Map<string, ModelMachine>();
  readonly #destroyed = new Set<string>();
  readonly #next: Transition;
  readonly #choices: SpecChoices;
  readonly #confirmBy: 'link' | 'report';
  /** Replies that are on their way to one life, and effects that land though their caller is long dead. */
  readonly #replies: { life: ModelLife; event: Unstamped; askedAt: number | null }[] = [];
  readonly #effects: (() => void)[] = [];
  /** Messages to whichever life has the name when they arrive. */
  readonly #mail: Unstamped[] = [];
  #workerUp = true;
  #inbox: Unstamped[] = [];
  #sweptLook: { life: ModelLife; machineId: string; state: Vm['state']['name'] }[] = [];
  #machineCount = 0;

  /** `confirmBy`: how an agent is asked for its count. */
  constructor(choices: SpecChoices, next: Transition, confirmBy: 'link' | 'report') {
    this.#choices = choices;
    this.#confirmBy = confirmBy;
    this.#next = next;
    this.create();
  }

  get life(): ModelLife {
    return this.lives.at(-1)!;
  }

  /** The API's get-or-create: a new life only where the name is free. */
  create(): void {
    if (this.lives.length > 0 && this.life.end === 'open') return;
    const uid = `u-${this.lives.length}`;
    const start = { project: 'default', name: 'lobby', uid, machineId: this.#newId(), spec: specOf(this.#choices) };
    const vm = newVm({ ...start, at: this.now });
    this.lives.push({ vm, first: vm, events: [], askedAt: null, end: 'open' });
  }

  /** A message to the workflow: kept while no worker runs. */
  send(event: Unstamped): void {
    if (this.#workerUp) this.#record(this.life, event);
    else this.#inbox.push(event);
  }

  terminate(): void {
    this.#inbox = [];
    this.#close(this.life, 'terminated');
  }

  passTo(until: number): void {
    for (let fired = 0; this.#workerUp && this.life.end === 'open'; fired += 1) {
      const due = nextDeadline(this.life.vm);
      if (due === null || due.at > until) break;
      if (fired > FAR_TOO_MANY) throw new Violation(`the deadline ${due.kind} spins`);
      this.now = Math.max(this.now, due.at);
      this.#record(this.life, { kind: 'deadline' });
    }
    this.now = Math.max(this.now, until);
  }

  workerDies(): void {
    this.#workerUp = false;
  }

  /** A worker rebuilds the state from what happened, then hears what came meanwhile. */
  workerReturns(): void {
    this.#workerUp = true;
    const { life } = this;
    const replayed = life.events.reduce((vm, event) => this.#next(vm, event), life.first);
    if (JSON.stringify(replayed) !== JSON.stringify(life.vm)) throw new Violation('a replay comes out different');
    for (const event of this.#inbox.splice(0)) this.#record(this.life, event);
    this.passTo(this.now);
  }

  /** One try of what the state wants. */
  run(fate: { effect: 'now' | 'later' | 'never'; reply: 'arrives' | 'late' | 'twice' | 'lost' }): void {
    const task = this.life.end === 'open' && this.#workerUp ? taskOf(this.life.vm) : null;
    if (task === null) return;
    if (fate.effect === 'later') this.#effects.push(() => void this.#effect(task));
    if (fate.effect !== 'now') return;
    const event = this.#effect(task);
    if (event === null) return;
    const reply = { life: this.life, event, askedAt: this.life.askedAt };
    if (fate.reply === 'late' || fate.reply === 'twice') this.#replies.push(reply);
    if (fate.reply === 'arrives' || fate.reply === 'twice') this.#reply(reply);
  }

  failForGood(): void {
    const task = this.life.end === 'open' && this.#workerUp ? taskOf(this.life.vm) : null;
    if (task?.kind === 'create') this.#record(this.life, { kind: 'createFailed', detail: 'refused' });
    if (task?.kind === 'ready') this.#record(this.life, { kind: 'notReady', machineId: task.machineId, detail: 'no' });
  }

  lateReply(which: number): void {
    const reply = this.#replies[which % Math.max(1, this.#replies.length)];
    if (reply) this.#reply(reply);
  }

  lateEffect(which: number): void {
    const [effect] = this.#effects.splice(which % Math.max(1, this.#effects.length), 1);
    effect?.();
  }

  setUsers(which: number, users: number): void {
    const machine = this.#machine(which)?.[1];
    if (!machine) return;
    machine.users = users;
    machine.busySince = users > 0 ? (machine.busySince ?? this.now) : null;
  }

  report(which: number, fate: 'arrives' | 'late' | 'lost'): void {
    const found = this.#machine(which);
    if (!found) return;
    const [machineId, machine] = found;
    const event = { kind: 'report', machineId, ...said(machine), sentAt: this.now } as const;
    if (fate === 'arrives') this.send(event);
    if (fate === 'late') this.#mail.push(event);
  }

  lateMail(which: number): void {
    const event = this.#mail[which % Math.max(1, this.#mail.length)];
    if (event) this.send(event);
  }

  /** A machine ends by itself; once or in several copies its loss is told, or is only noticed later. */
  vanish(which: number, told: boolean): void {
    const found = this.#machine(which);
    if (!found) return;
    this.machines.delete(found[0]);
    this.#destroyed.add(found[0]);
    const event = { kind: 'machineLost', machineId: found[0] } as const;
    this.#mail.push(event);
    if (told) this.send(event);
  }

  sweepLooks(): void {
    this.#sweptLook = this.lives
      .filter(({ end }) => end === 'open')
      .map((life) => ({ life, machineId: life.vm.machineId, state: life.vm.state.name }));
  }

  /** Acts on what it saw of the workflows before, and sees of the provider now. */
  sweepActs(): void {
    const owners = new Set(this.#sweptLook.map(({ machineId }) => machineId));
    for (const [machineId, machine] of this.machines) {
      if (owners.has(machineId)) continue;
      if (sweepVerdict(machine, this.#ownership(machineId), this.now) !== 'orphan') continue;
      if (this.life.end === 'open' && this.life.vm.machineId === machineId) {
        throw new Violation('the sweeper destroys a machine that is in use');
      }
      this.#destroy(machineId);
    }
    for (const { life, machineId } of suspectedLost(this.#sweptLook, new Set(this.machines.keys()))) {
      if (life.end !== 'open' || life.vm.machineId !== machineId) continue;
      if (suspectedLost([{ machineId, state: life.vm.state.name }], new Set(this.machines.keys())).length === 0)
        continue;
      this.send({ kind: 'machineLost', machineId });
    }
  }

  /** The world heals: everything works, what was late arrives, everybody leaves. Checks what must be true then. */
  heal(): void {
    this.workerReturns();
    while (this.#effects.length > 0) this.lateEffect(0);
    for (const event of [...this.#mail]) this.send(event);
    for (const reply of [...this.#replies]) this.#reply(reply);
    for (const machine of this.machines.values()) Object.assign(machine, { users: 0, busySince: null });
    const { spec, createdAt, holdUntil } = this.life.vm;
    const patience = Math.max(spec.idle.timeoutSeconds, spec.idle.firstConnectTimeoutSeconds) * 1000 + SLACK_MS;
    const emptyEnd = Math.max(this.now, holdUntil ?? 0) + patience;
    const end = Math.max(this.now, Math.min(emptyEnd, createdAt + spec.maxLifetimeSeconds * 1000)) + SLACK_MS;
    while (this.life.end === 'open') {
      if (this.now > end) throw new Violation(`a VM without users lives on as ${this.life.vm.state.name}`);
      for (let tries = 0; tries < 4; tries += 1) this.run({ effect: 'now', reply: 'arrives' });
      const own = [...this.machines.keys()].indexOf(this.life.vm.machineId);
      if (own >= 0) this.report(own, 'arrives');
      this.passTo(this.now + REPORT_MS);
      this.check();
    }
    for (let sweep = 0; sweep < 2; sweep += 1) {
      this.passTo(this.now + 60_000);
      this.sweepLooks();
      this.sweepActs();
    }
    if (this.machines.size > 0) throw new Violation(`left behind: ${[...this.machines.keys()].join(', ')}`);
  }

  /** What is true at every moment, once the timer has done what is due. */
  check(): void {
    this.passTo(this.now);
    const { life } = this;
    const due = life.end === 'open' && this.#workerUp ? nextDeadline(life.vm) : null;
    if (due !== null && due.at < this.now) throw new Violation(`the deadline ${due.kind} was missed`);
    const given = new Set(
      this.lives.filter(({ end }) => end === 'letGo' || end === 'terminated').map(({ vm }) => vm.machineId),
    );
    const owned = [...this.machines.keys()].filter((machineId) => !given.has(machineId));
    if (owned.length > 1) throw new Violation(`two machines for one name: ${owned.join(', ')}`);
    const [only] = owned;
    if (only !== undefined && (life.end !== 'open' || life.vm.machineId !== only)) {
      throw new Violation(`${only} outlived the confirmed end of its owner`);
    }
  }

  #record(life: ModelLife, unstamped: Unstamped): void {
    if (life.end !== 'open') return;
    const event = { ...unstamped, at: this.now };
    const before = life.vm;
    const after = this.#next(before, event);
    const named = event.kind === 'machineCreated' ? event.machine.machineId : 'machineId' in event && event.machineId;
    if (named !== false && named !== before.machineId && after !== before) {
      throw new Violation(`${event.kind} of ${named} changed a VM whose machine is ${before.machineId}`);
    }
    life.events.push(event);
    life.vm = after;
    if (isServing(after.state) && after.state.confirmation) life.askedAt = after.state.confirmation.askedAt;
    if (after.state.name === 'destroying' && before.state.name !== 'destroying') this.#checkEnd(life, before);
    if (hasEnded(after.state)) this.#close(life, event.kind === 'deadline' ? 'letGo' : 'seenGone');
  }

  #checkEnd(life: ModelLife, before: Vm): void {
    const { state, machineId } = life.vm;
    if (!isServing(before.state) || !('reason' in state) || !EMPTY_REASONS.includes(state.reason)) return;
    const { busySince = null } = this.machines.get(machineId) ?? {};
    if (busySince === null || (life.askedAt !== null && busySince >= life.askedAt)) return;
    throw new Violation(`a VM in use was ended as ${state.reason}`);
  }

  #close(life: ModelLife, end: ModelLife['end']): void {
    if (life.end !== 'open') return;
    life.end = end;
  }

  #reply({ life, event, askedAt }: { life: ModelLife; event: Unstamped; askedAt: number | null }): void {
    if (!this.#workerUp) return;
    const { state } = life.vm;
    const isAnswer = event.kind.startsWith('confirm');
    // The workflow has let go of a question that is not open any more.
    if (isAnswer && !(isServing(state) && state.confirmation?.askedAt === askedAt)) return;
    const fresh = event.kind === 'machineGone' ? { ...event, nextMachineId: this.#newId() } : event;
    this.#record(life, fresh);
  }

  /** What a call does in the world and what it answers; null when it fails. */
  #effect({ kind, machineId }: Task): Unstamped | null {
    const machine = this.machines.get(machineId);
    switch (kind) {
      case 'create': {
        if (this.#destroyed.has(machineId)) return null;
        const made = { createdAt: this.now, users: 0, busySince: null, sequence: 0 };
        if (machine === undefined) this.machines.set(machineId, made);
        return { kind: 'machineCreated', machine: { ...MACHINE, machineId } };
      }
      case 'ready':
        return machine
          ? { kind: 'machineReady', machineId, usage: said(machine) }
          : { kind: 'notReady', machineId, detail: 'it ended' };
      case 'tellDraining':
        return { kind: 'drainingTold', draining: this.life.vm.state.name === 'draining' };
      case 'confirm':
        if (this.#confirmBy === 'report') return { kind: 'confirmByReport', machineId };
        return machine
          ? { kind: 'confirmAnswered', machineId, ...said(machine) }
          : { kind: 'confirmUnanswered', machineId };
      case 'probe':
        return { kind: 'probed', machineId, alive: machine !== undefined };
      case 'destroy':
        this.#destroy(machineId);
        return { kind: 'machineGone', machineId, nextMachineId: '' };
    }
  }

  /** An id that was destroyed is refused ever after: the contract of every provider. */
  #destroy(machineId: string): void {
    this.machines.delete(machineId);
    this.#destroyed.add(machineId);
  }

  #ownership(machineId: string): Ownership {
    const owner = this.lives.find(({ vm }) => vm.machineId === machineId);
    if (owner === undefined) return 'unknown';
    return owner.end === 'open' ? 'running' : 'closed';
  }

  #machine(which: number): [string, ModelMachine] | undefined {
    return [...this.machines][which % Math.max(1, this.machines.size)];
  }

  #newId(): string {
    this.#machineCount += 1;
    return `m-${this.#machineCount}`;
  }
}

const REPORT_MS = 20_000;
/** For questions, silences, graces and a replacement on the way to an end. */
const SLACK_MS = 900_000;

function said(machine: ModelMachine): { sequence: number; connections: number } {
  machine.sequence += 1;
  return { sequence: machine.sequence, connections: machine.users };
}

function taskOf({ state, machineId }: Vm): Task | null {
  const task = (kind: Task['kind']): Task => ({ kind, machineId });
  if (state.name === 'creating') return task('create');
  if (state.name === 'booting') return task('ready');
  if (state.name === 'destroying') return task('destroy');
  if (!isServing(state)) return null;
  if (state.drainNotice === 'pending') return task('tellDraining');
  if (state.confirmation?.answeredBy === 'agent') return task('confirm');
  return state.silence?.probe === 'pending' ? task('probe') : null;
}
