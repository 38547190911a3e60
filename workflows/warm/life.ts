import { log, workflowInfo } from '@temporalio/workflow';
import { mayExchange, nextWarm, type Warm, type WarmEvent, type WarmReply } from '../../domain/pool/handover.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { parseWarmWorkflowId } from '../../domain/wire-names.ts';
import type { MachineOwner } from '../machine/machine-owner.ts';
import type { ExchangeRequest, WarmInput } from '../messages.ts';

/** Holds the one copy of a warm machine's state. Handlers and phases record events here; `nextWarm` decides what they mean. */
export class WarmLife {
  readonly input: WarmInput;
  readonly machineId: string;
  readonly #startedAt = Date.now();
  readonly #replies: WarmReply[] = [];
  #warm: Warm = { name: 'creating' };
  #since = Date.now();
  #failure: string | null = null;
  /** Whose exchange was granted, where its agent reports over HTTP. */
  #exchangeNonce: string | null = null;

  constructor(input: WarmInput) {
    this.input = input;
    this.machineId = parseWarmWorkflowId(workflowInfo().workflowId) ?? '';
  }

  get warm(): Warm {
    return this.#warm;
  }

  /** Why it never got ready. */
  get failure(): string | null {
    return this.#failure;
  }

  /** By when its present state must be over, epoch ms. */
  get deadlineAt(): number {
    if (this.#warm.name === 'creating') return this.#startedAt + TIMEOUTS.createTotalSeconds * 1000;
    return this.#since + this.input.spec.readiness.timeoutSeconds * 1000;
  }

  record(event: WarmEvent): void {
    const before = this.#warm;
    const { warm, reply } = nextWarm(before, event);
    this.#warm = warm;
    if (reply !== null) this.reply(reply);
    if (before.name === warm.name && leaves(before) === leaves(warm)) return;
    this.#since = Date.now();
    const why = 'why' in warm ? { why: warm.why } : {};
    log.info('the warm machine changed its state', { from: before.name, to: warm.name, event: event.kind, ...why });
  }

  /** Its agent is there: it waits for a VM from now on. */
  booted(): void {
    this.record({ kind: 'booted', until: Date.now() + this.input.ttlSeconds * 1000 });
  }

  mayExchange(request: ExchangeRequest): boolean {
    return request.machineId === this.machineId && mayExchange(this.#warm, this.#exchangeNonce, request);
  }

  exchanged({ nonce }: ExchangeRequest): void {
    this.#exchangeNonce = nonce;
  }

  fail(detail: string): void {
    const before = this.#warm;
    this.record({ kind: 'failed' });
    if (this.#warm !== before) this.#failure = detail;
  }

  reply(reply: WarmReply): void {
    this.#replies.push(reply);
  }

  /** The next answer that nobody got yet. */
  nextReply(): WarmReply | undefined {
    return this.#replies.shift();
  }

  get hasReplies(): boolean {
    return this.#replies.length > 0;
  }
}

/** Whether it waits for its pool to have another one. */
export function leaves(warm: Warm): boolean {
  return warm.name === 'ready' && warm.leaves === true;
}

/** The warm workflow as the owner of its machine. */
export function ownerOf(life: WarmLife): MachineOwner {
  const { spec, signature, placement = 'zone', pool, prefers } = life.input;
  return {
    ...{ owner: workflowInfo().workflowId, spec, machineId: life.machineId, sealed: null, signature, placement, pool },
    ...(prefers === undefined ? {} : { prefers }),
    get machine() {
      return 'machine' in life.warm ? life.warm.machine : null;
    },
    msToDeadline: () => life.deadlineAt - Date.now(),
  };
}
