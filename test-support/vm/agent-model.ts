import fc from 'fast-check';
import { nextDeadline } from '../../domain/vm/deadlines.ts';
import type { VmEvent } from '../../domain/vm/events.ts';
import { next } from '../../domain/vm/next.ts';
import { isServing, type Vm } from '../../domain/vm/state.ts';
import { connectionCount } from './random-vms.ts';
import { Life, MACHINE_ID, type SpecChoices } from './vm-life.ts';

/**
 * A model of a VM with a truthful agent: the real count, reports that are lost, late, doubled or out of
 * order, answers that are slow or never come, and operators who type any count.
 */
export const agentStep = fc.oneof(
  fc.record({ do: fc.constant('connect'), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('leave') }),
  fc.record({ do: fc.constant('report'), fate: fc.constantFrom('arrives', 'late', 'lost') }),
  fc.record({ do: fc.constant('lateReport'), which: fc.nat({ max: 100 }) }),
  fc.record({ do: fc.constant('measureAnswer') }),
  fc.record({ do: fc.constant('answer') }),
  fc.record({ do: fc.constant('noAnswer') }),
  fc.record({ do: fc.constant('cannotBeAsked') }),
  fc.record({ do: fc.constant('probe') }),
  fc.record({ do: fc.constant('type'), count: connectionCount }),
  fc.record({ do: fc.constant('hold'), seconds: fc.constantFrom(0, 1, 500) }),
  fc.record({ do: fc.constant('drain') }),
  fc.record({ do: fc.constant('undrain') }),
  fc.record({ do: fc.constant('pass'), ms: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.nat({ max: 200_000 })) }),
  fc.record({ do: fc.constant('passToDeadline') }),
);

interface SaidByAgent {
  sequence: number;
  connections: number;
  saidAt: number;
}

export class AgentModel {
  readonly #life: Life;
  now: number;
  count = 0;
  /** Since when somebody has been there without a break; null while nobody is. */
  busySince: number | null = null;
  #sequence = 1;
  #late: SaidByAgent[] = [];
  /** What the agent said to the question that is open, not yet with the workflow. */
  #answer: (SaidByAgent & { askedAt: number }) | null = null;
  /** The last question, kept because it is gone from a VM that ends. */
  askedAt: number | null = null;

  constructor(choices: SpecChoices) {
    this.#life = Life.ready({ ...choices, readiness: { kind: 'agent' }, maxLifetimeSeconds: 1_000_000_000 });
    this.now = this.vm.state.since;
  }

  get vm(): Vm {
    return this.#life.vm;
  }

  record(event: VmEvent): void {
    this.#life.vm = next(this.vm, event);
    if (isServing(this.vm.state) && this.vm.state.confirmation) this.askedAt = this.vm.state.confirmation.askedAt;
  }

  step(step: typeof agentStep extends fc.Arbitrary<infer One> ? One : never): void {
    const open = isServing(this.vm.state) ? this.vm.state.confirmation : null;
    const at = this.now;
    switch (step.do) {
      case 'connect':
        this.count = step.count;
        this.busySince ??= at;
        break;
      case 'leave':
        this.count = 0;
        this.busySince = null;
        break;
      case 'report':
        if (step.fate === 'arrives') this.#deliver(this.#say());
        else if (step.fate === 'late') this.#late.push(this.#say());
        break;
      case 'lateReport':
        if (this.#late.length > 0) this.#deliver(this.#late[step.which % this.#late.length]!);
        break;
      case 'measureAnswer':
        if (open) this.#answer = { ...this.#say(), askedAt: open.askedAt };
        break;
      case 'answer':
        // The workflow drops the answer to a question that is not open any more.
        if (open && this.#answer?.askedAt === open.askedAt) {
          const { sequence, connections: answered } = this.#answer;
          this.record({ kind: 'confirmAnswered', at, machineId: MACHINE_ID, sequence, connections: answered });
        }
        break;
      case 'noAnswer':
        this.record({ kind: 'confirmUnanswered', at, machineId: MACHINE_ID });
        break;
      case 'cannotBeAsked':
        this.record({ kind: 'confirmByReport', at, machineId: MACHINE_ID });
        break;
      case 'probe':
        this.record({ kind: 'probed', at, machineId: MACHINE_ID, alive: true });
        break;
      case 'type':
        this.record({ kind: 'connections', at, connections: step.count });
        break;
      case 'hold':
        this.record({ kind: 'hold', at, seconds: step.seconds });
        break;
      case 'drain':
      case 'undrain':
        this.record({ kind: step.do, at });
        break;
      case 'pass':
        this.#passTo(at + step.ms);
        break;
      case 'passToDeadline':
        this.#passTo(nextDeadline(this.vm)?.at ?? at);
        break;
    }
    this.#passTo(this.now);
  }

  #say(): SaidByAgent {
    this.#sequence += 1;
    return { sequence: this.#sequence, connections: this.count, saidAt: this.now };
  }

  #deliver({ sequence, connections: reported, saidAt }: SaidByAgent): void {
    const report = { sequence, connections: reported, sentAt: saidAt };
    this.record({ kind: 'report', at: this.now, machineId: MACHINE_ID, ...report });
  }

  #passTo(until: number): void {
    for (let due = nextDeadline(this.vm); due !== null && due.at <= until; due = nextDeadline(this.vm)) {
      this.now = Math.max(this.now, due.at);
      this.record({ kind: 'deadline', at: this.now });
    }
    this.now = Math.max(this.now, until);
  }
}
