/**
 * A model of everything around the pure lifecycle: one name and its lives, a provider whose calls take effect or not
 * and whose replies are lost, late or doubled, workers that die, an agent that tells the truth over a bad line, a
 * sweeper that looks at one moment and acts at another, and people. After each step it checks the promises of docs/reliability.md.
 */
import { nextDeadline } from '../../domain/vm/deadlines.ts';
import { suspectedLost, sweepVerdict } from '../../domain/machine/sweep.ts';
import type { VmEvent } from '../../domain/vm/events.ts';
import { isOffDuty } from '../../domain/vm/power.ts';
import { hasEnded, isBelowRunning, isServing, newVm, type Vm } from '../../domain/vm/state.ts';
import { canBeTakenBack } from '../../domain/vm/take-back.ts';
import { Violation } from '../exploration.ts';
import { effectOf, type Unstamped } from './lifecycle-effects.ts';
import { ModelMachines, said, turnOff, type ModelMachine } from './lifecycle-machines.ts';
import { ownershipOf, type ModelLife } from './lifecycle-life.ts';
import {
  checkClose,
  checkEmptyEnd,
  checkLoss,
  checkWriting,
  type Expectation,
  type Kept,
} from './lifecycle-promises.ts';
import { taskOf, type HalfDone, type Task } from './lifecycle-task.ts';
import { START, specOf, type SpecChoices } from './vm-life.ts';

export type Transition = (vm: Vm, event: VmEvent) => Vm;

interface Reply {
  life: ModelLife;
  event: Unstamped | HalfDone;
  askedAt: number | null;
  phase: number;
}

/** Answers that the workflow takes only while the phase lasts that asked. */
const OF_ONE_PHASE: readonly VmEvent['kind'][] = [
  ...(['machineReady', 'notReady', 'machineStopped', 'machineStarted', 'machineMissing'] as const),
  ...(['machineSuspended', 'suspendFailed', 'startFailed', 'imageKept', 'imageFailed'] as const),
];
/** A call whose caller is long gone when it has its effect. */
interface LateEffect {
  task: Task;
  phase: number;
}

/** A try of these whose caller is long dead asks first whether it still counts. */
const FENCED: readonly Task['kind'][] = ['stop', 'reset', 'start', 'suspend', 'resume', 'makeImage', 'tellDraining'];
const FAILED_AS: Partial<Record<Task['kind'], 'notReady' | 'startFailed' | 'suspendFailed' | 'imageFailed'>> = {
  ...{ ready: 'notReady', reset: 'startFailed', start: 'startFailed', resume: 'startFailed' },
  ...{ suspend: 'suspendFailed', makeImage: 'imageFailed' },
};
const FAR_TOO_MANY = 100_000;

export class LifecycleModel {
  now = START;
  readonly lives: ModelLife[] = [];
  readonly #provider = new ModelMachines();
  /** The images that the family of the name has written down, the newest last. */
  readonly #kept = new Map<string, Kept>();
  /** What hosts left behind that could not finish a create, or were lost while it was destroyed. */
  readonly #left = new Set<string>();
  readonly #next: Transition;
  readonly #choices: SpecChoices;
  readonly #confirmBy: 'link' | 'report';
  /** Replies that are on their way to one life, and effects that land though their caller is long dead. */
  readonly #replies: Reply[] = [];
  #effects: LateEffect[] = [];
  /** Messages to whichever life has the name when they arrive. */
  readonly #mail: Unstamped[] = [];
  #workerUp = true;
  #inbox: Unstamped[] = [];
  #sweptLook: { life: ModelLife; machineId: string; state: Vm['state']['name'] }[] = [];
  #machineCount = 0;
  #claimCount = 0;
  #orderRevision = 0;

  /** `confirmBy`: how an agent is asked for its count. */
  constructor(choices: SpecChoices, next: Transition, confirmBy: 'link' | 'report') {
    this.#choices = choices;
    this.#confirmBy = confirmBy;
    this.#next = next;
    this.create();
  }

  get machines(): Map<string, ModelMachine> {
    return this.#provider.all;
  }

  get life(): ModelLife {
    return this.lives.at(-1)!;
  }

  /** The API's get-or-create: a new life only where the name is free, from its newest image; a stopped VM is woken. */
  create(): void {
    if (this.lives.length > 0 && this.life.end === 'open') {
      if (isBelowRunning(this.life.vm.state)) this.send({ kind: 'startRequested' });
      return;
    }
    const uid = `u-${this.lives.length}`;
    const start = { project: 'default', name: 'lobby', uid, machineId: this.#newId(), spec: specOf(this.#choices) };
    const vm = newVm({ ...start, unnamed: true, at: this.now });
    const image: Kept = [...this.#kept.values()].at(-1) ?? new Set();
    const mayHaveWritten = new Set([uid, ...image]);
    const expected: Expectation = { holder: uid, mayHaveWritten, written: null, lastWish: null };
    const life = { vm, first: vm, events: [], askedAt: null, phase: 0, halfDone: null, image, expected, resets: 0 };
    this.lives.push({ ...life, end: 'open' });
  }

  /** A create without a name asks for the VM, and takes it where the VM's workflow says yes. */
  takeBack(reset: boolean): void {
    const { vm, end } = this.life;
    this.#claimCount += 1;
    const claim = `claim-${this.#claimCount}`;
    if (!this.#workerUp || end !== 'open' || !canBeTakenBack(vm, { claim, reset, at: this.now })) return;
    this.send({ kind: 'takenBack', uid: vm.uid, claim, ...(reset ? { reset } : {}) });
  }

  /** A message to the workflow: kept while no worker runs. */
  send(event: Unstamped): void {
    if (this.#workerUp) this.#record(this.life, event);
    else this.#inbox.push(event);
  }

  /** Its template has another version, or goes back to one: the VM is told, sooner or later and perhaps twice. */
  tellVersion(below: number, fate: 'arrives' | 'late' | 'lost'): void {
    this.#orderRevision = Math.max(this.now, this.#orderRevision + 1);
    const order = { kind: 'rollOver', below, revision: this.#orderRevision } as const;
    if (fate === 'arrives') this.send(order);
    if (fate !== 'lost') this.#mail.push(order);
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
    const task = this.life.end === 'open' && this.#workerUp ? taskOf(this.life.vm, this.life.halfDone) : null;
    if (task === null) return;
    const { phase } = this.life;
    if (fate.effect === 'later') this.#effects.push({ task, phase });
    if (fate.effect !== 'now') return;
    const event = this.#effect(task);
    if (event === null) return;
    const reply = { life: this.life, event, askedAt: this.life.askedAt, phase };
    if (fate.reply === 'late' || fate.reply === 'twice') this.#replies.push(reply);
    if (fate.reply === 'arrives' || fate.reply === 'twice') this.#reply(reply);
  }

  failForGood(): void {
    const task = this.life.end === 'open' && this.#workerUp ? taskOf(this.life.vm, this.life.halfDone) : null;
    if (task?.kind === 'create') this.#record(this.life, { kind: 'createFailed', detail: 'refused' });
    const kind = task === null ? undefined : FAILED_AS[task.kind];
    if (task !== null && kind !== undefined) this.#record(this.life, { kind, machineId: task.machineId, detail: 'no' });
  }

  /**
   * The host that took the create cannot finish it: what it made it undid, or keeps as an orphan that serves nobody. The
   * create fails, or was cancelled meanwhile.
   */
  placeLost(undone: boolean): void {
    const task = this.life.end === 'open' && this.#workerUp ? taskOf(this.life.vm, this.life.halfDone) : null;
    if (task?.kind !== 'create' || this.#effect(task) === null) return;
    const { machineId } = task;
    if (undone) this.#provider.destroy(machineId);
    else this.#left.add(machineId);
    this.#record(this.life, { kind: 'placeLost', machineId, nextMachineId: '', detail: 'its host failed' });
  }

  /**
   * The host of a machine is gone and its fence stopped the machine; once or again the VM hears of it. A machine whose VM is
   * stopped or on its way there or back has its disk when the host returns.
   */
  hostLost(which: number, told: boolean): void {
    const found = this.#provider.at(which);
    if (!found) return;
    const [machineId, machine] = found;
    if (this.life.end === 'open' && this.life.vm.machineId === machineId && isOffDuty(this.life.vm)) turnOff(machine);
    else this.#provider.destroy(machineId);
    // What was under way there its fence ended too, and a host that returns takes no work before its VMs know of the loss.
    this.#effects = this.#effects.filter(({ task }) => task.machineId !== machineId);
    const event = { kind: 'hostLost', machineId, nextMachineId: '', lostAt: this.now } as const;
    this.#mail.push(event);
    if (told) this.send(event);
  }

  lateReply(which: number): void {
    const reply = this.#replies[which % Math.max(1, this.#replies.length)];
    if (reply) this.#reply(reply);
  }

  lateEffect(which: number): void {
    const [effect] = this.#effects.splice(which % Math.max(1, this.#effects.length), 1);
    if (effect !== undefined) this.#effectLater(effect);
  }

  setUsers(which: number, users: number): void {
    const [machineId, machine] = this.#provider.at(which) ?? [];
    if (machineId === undefined || !machine?.running || (users > machine.users && !machine.admits)) return;
    machine.users = users;
    machine.busySince = users > 0 ? (machine.busySince ?? this.now) : null;
    const { vm, expected, end } = this.life;
    if (users === 0 || end !== 'open' || vm.machineId !== machineId) return;
    // Until it is reset, and started after that, it has the users of before.
    const isHolders = vm.reset === undefined || vm.state.name === 'starting';
    machine.writers.add(isHolders ? expected.holder : 'somebody before');
    if (vm.reset !== undefined) return;
    expected.written = { machineId, by: expected.holder };
  }

  report(which: number, fate: 'arrives' | 'late' | 'lost'): void {
    const found = this.#provider.at(which);
    if (!found) return;
    const [machineId, machine] = found;
    if (!machine.running) return;
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
    const found = this.#provider.at(which);
    if (!found) return;
    this.#provider.destroy(found[0]);
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
      if (sweepVerdict(machine, ownershipOf(machineId, this.lives), this.now) !== 'orphan') continue;
      if (this.life.end === 'open' && this.life.vm.machineId === machineId) {
        throw new Violation('the sweeper destroys a machine that is in use');
      }
      this.#provider.destroy(machineId);
    }
    const kept = new Set(this.machines.keys());
    const alive = new Set([...this.machines].flatMap(([machineId, { running }]) => (running ? [machineId] : [])));
    for (const { life, machineId } of suspectedLost(this.#sweptLook, alive, kept)) {
      if (life.end !== 'open' || life.vm.machineId !== machineId) continue;
      if (suspectedLost([{ machineId, state: life.vm.state.name }], alive, kept).length === 0) continue;
      this.send({ kind: 'machineLost', machineId });
    }
  }

  /** The model heals: everything works, what was late arrives, everybody leaves. Checks what must be true then. */
  heal(): void {
    this.workerReturns();
    while (this.#effects.length > 0) this.lateEffect(0);
    for (const event of [...this.#mail]) this.send(event);
    for (const reply of [...this.#replies]) this.#reply(reply);
    for (const machine of this.machines.values()) Object.assign(machine, { users: 0, busySince: null });
    const { spec, createdAt, holdUntil, reportsAfter } = this.life.vm;
    const mayStop =
      reportsAfter !== undefined ||
      spec.idle.action === 'stop' ||
      spec.idle.action === 'suspend' ||
      spec.idle.action === 'close';
    const patience = Math.max(spec.idle.timeoutSeconds, spec.idle.firstConnectTimeoutSeconds) * 1000 + SLACK_MS;
    const emptyEnd = Math.max(this.now, holdUntil ?? 0) + patience;
    const lastEnd = createdAt + (spec.maxLifetimeSeconds ?? Infinity) * 1000;
    const end = Math.max(this.now, mayStop ? lastEnd : Math.min(emptyEnd, lastEnd)) + SLACK_MS;
    while (this.life.end === 'open') {
      if (this.now > end) throw new Violation(`a VM without users lives on as ${this.life.vm.state.name}`);
      if (this.life.vm.state.name === 'stopped' || this.life.vm.state.name === 'suspended')
        this.passTo(nextDeadline(this.life.vm)?.at ?? end + 1);
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
      this.lives.filter(({ end }) => end === 'forceTimeout' || end === 'terminated').map(({ vm }) => vm.machineId),
    );
    const owned = [...this.machines.keys()].filter((machineId) => !given.has(machineId) && !this.#left.has(machineId));
    if (owned.length > 1) throw new Violation(`two machines for one name: ${owned.join(', ')}`);
    const [only] = owned;
    if (only !== undefined && (life.end !== 'open' || life.vm.machineId !== only)) {
      throw new Violation(`${only} outlived the confirmed end of its owner`);
    }
    const { state, machineId } = life.vm;
    const isDown = state.name === 'stopped' || state.name === 'suspended' || state.name === 'imaging';
    if (life.end === 'open' && isDown && this.machines.get(machineId)?.running === true) {
      throw new Violation(`${machineId} runs, and its VM is ${state.name}`);
    }
    if (life.end === 'open') checkWriting(life.vm, this.#provider, life.expected);
  }

  #record(life: ModelLife, unstamped: Unstamped): void {
    if (life.end !== 'open') return;
    const fresh = 'nextMachineId' in unstamped ? { ...unstamped, nextMachineId: this.#newId() } : unstamped;
    const hearsay =
      fresh.kind === 'machineLost' && life.vm.startedAgainAt !== undefined ? { hearsay: true as const } : {};
    const event = { ...fresh, ...hearsay, at: this.now } as VmEvent;
    const before = life.vm;
    const after = this.#next(before, event);
    const named = 'machine' in event ? event.machine.machineId : 'machineId' in event && event.machineId;
    if (named !== false && named !== before.machineId && after !== before) {
      throw new Violation(`${event.kind} of ${named} changed a VM whose machine is ${before.machineId}`);
    }
    life.events.push(event);
    life.vm = after;
    if (after.state.name !== before.state.name) Object.assign(life, { phase: life.phase + 1, halfDone: null });
    const machine = this.machines.get(before.machineId);
    if (after !== before || event.kind === 'startRequested') this.#expect(life, before, event);
    if (isServing(after.state) && after.state.confirmation) life.askedAt = after.state.confirmation.askedAt;
    // Who takes a VM that drains goes by what is known: nobody new comes in, and who came before was told of at once.
    if (isEnd(after.state) && !isEnd(before.state) && event.kind !== 'takenBack')
      checkEmptyEnd(before, after, machine, life.askedAt);
    checkLoss(before, event, after, machine);
    checkClose(before, after, { machine, kept: this.#kept, expected: life.expected });
    const isLeft = hasEnded(after.state) || after.machineId !== before.machineId;
    if (isLeft && event.kind === 'hostLost') this.#left.add(before.machineId);
    if (hasEnded(after.state)) this.#close(life, event.kind === 'deadline' ? 'forceTimeout' : 'seenGone');
  }

  /** What people may expect of the VM after what was asked of it. */
  #expect({ expected, vm }: ModelLife, before: Vm, event: VmEvent): void {
    if (isServing(vm.state) || event.kind === 'drain') expected.lastWish = null;
    if (event.kind === 'closeRequested') expected.lastWish = 'close';
    if (event.kind === 'startRequested' && isBelowRunning(before.state)) expected.lastWish = 'start';
    if (event.kind !== 'takenBack') return;
    expected.holder = event.claim;
    if (event.reset !== true) {
      expected.mayHaveWritten.add(event.claim);
      return;
    }
    expected.mayHaveWritten = new Set([event.claim]);
    expected.written = null;
    if (vm.reset !== undefined) this.life.resets += 1;
  }

  #close(life: ModelLife, end: ModelLife['end']): void {
    if (life.end !== 'open') return;
    life.end = end;
  }

  #reply({ life, event, askedAt, phase }: Reply): void {
    if (!this.#workerUp || event === null) return;
    const { state } = life.vm;
    if (typeof event === 'string') {
      if (life.phase === phase) life.halfDone = event;
      return;
    }
    const isAnswer = event.kind.startsWith('confirm');
    // The workflow has let go of a question that is not open any more.
    if (isAnswer && !(isServing(state) && state.confirmation?.askedAt === askedAt)) return;
    if (OF_ONE_PHASE.includes(event.kind) && life.phase !== phase) return;
    this.#record(life, event);
  }

  /** A try whose caller is long dead asks before it stops or starts anything whether it still counts. */
  #effectLater({ task, phase }: LateEffect): void {
    const isFenced = FENCED.includes(task.kind);
    if (!isFenced || (this.life.phase === phase && this.life.vm.machineId === task.machineId)) this.#effect(task);
  }

  /** What a call does in the model and what it answers; null when it fails. */
  #effect(task: Task): Unstamped | HalfDone {
    const { now } = this;
    const confirmBy = this.#confirmBy;
    const at = { now, confirmBy, image: this.life.image, kept: this.#kept };
    return effectOf(task, this.#provider, { ...at, lost: (event) => void this.#mail.push(event) });
  }

  #newId(): string {
    this.#machineCount += 1;
    return `m-${this.#machineCount}`;
  }
}

const REPORT_MS = 20_000;
/** For questions, silences, graces and a replacement on the way to an end. */
const SLACK_MS = 900_000;

function isEnd({ name }: Vm['state']): boolean {
  return name === 'destroying' || name === 'stopping' || name === 'suspending';
}
