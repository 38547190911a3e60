import { setTimeout as delay } from 'node:timers/promises';
import type { ForwardedState, HttpReport, HttpReportReply } from '../../../domain/agent/protocol.ts';
import { randomBytes, randomFraction } from '../../randomness.ts';
import { parseExchangeReply, parseReportReply } from './api-replies.ts';
import type { ReportedUsage } from '../counting/app-usage.ts';
import { postJson, type JsonReply } from './post-json.ts';
import { backoffMs, refusedBackoffMs, reportDueAt } from './report-due.ts';
import { HttpStreams } from './http-streams.ts';
import type { LinkParts } from './socket-link.ts';
import { Wakeup } from '../wakeup.ts';

/** How an agent proves which machine it is. */
export interface AgentProof {
  /** Its report token from before a restart, expired or not; null when it has none. */
  token: string | null;
  /**
   * Gives what is exchanged for a report token: a one-time secret, or the identity of an instance, which is made anew
   * each time since it expires. Null when there is only the token.
   */
  secret: (() => Promise<string>) | null;
}

export interface HttpLinkOptions extends LinkParts {
  apiUrl: string;
  /** PEM of the certificate by which the API is known; without it by the system's authorities. */
  apiCa?: string | undefined;
  proof: AgentProof;
  /** Hears each new report token, to keep it over a restart. */
  onToken?: (token: string) => void;
}

/**
 * The link of an agent that reaches the API only: it reports over HTTP and obeys what the answers say, until the
 * program ends. One that is refused proves itself again and goes on trying, ever more slowly.
 */
export function openHttpLink(options: HttpLinkOptions): void {
  void new HttpLink(options).run();
}

class HttpLink {
  readonly #options: HttpLinkOptions;
  readonly #wakeup = new Wakeup();
  readonly #streams: HttpStreams;
  #token: string | null = null;
  #taken: ReportedUsage | null = null;
  #aliveAt = 0;
  #forwarded: { state: ForwardedState; receivedAt: number; receivedTick: number } | null = null;
  #draining = false;
  /** The question that the next report answers: its count is taken when it is sent. */
  #asked: string | null = null;
  #failures = 0;
  /** How often in a row the API answered 401. */
  #refusals = 0;
  /** The same on every exchange of this process: a caller whose answer was lost is granted it again. */
  readonly #nonce = randomBytes(16).toString('hex');
  #heardOnce = false;
  /** The machine waits for its VM, as far as its agent knows. */
  #waits = false;

  constructor(options: HttpLinkOptions) {
    this.#options = options;
    this.#streams = new HttpStreams(options);
    options.usage.onChange(() => this.#wakeup.wake());
  }

  /** Exchanges what proves the machine while there is no token, or it is refused; else reports. */
  async run(): Promise<never> {
    const { proof, apiUrl, log } = this.#options;
    this.#token = proof.token;
    while (this.#token === null) await this.#exchange();
    log(`The agent reports to ${apiUrl}.`);
    for (;;) {
      if (this.#refusals > 0) await this.#exchange();
      await this.#untilDue();
      await this.#reportOnce();
    }
  }

  /** One try. Whatever comes of it, a token from before is kept: it may be good again. */
  async #exchange(): Promise<void> {
    const { secret } = this.#options.proof;
    if (secret === null) return;
    let proof: string;
    try {
      proof = await secret();
    } catch (error) {
      await this.#pauseAfter((error as Error).message, undefined);
      return;
    }
    const reply = await this.#post('v1/agent/exchange', { secret: proof, nonce: this.#nonce }, parseExchangeReply);
    if (reply) this.#useToken(reply.token);
  }

  #useToken(token: string): void {
    this.#token = token;
    this.#options.onToken?.(token);
  }

  async #untilDue(): Promise<void> {
    for (;;) {
      const { changedAt } = this.#options.usage;
      const reported = this.#toSay();
      const dueAt = reported
        ? reportDueAt({ taken: this.#taken, current: reported, changedAt, aliveAt: this.#aliveAt })
        : Infinity;
      const waitMs = dueAt - performance.now();
      if (waitMs <= 0) return;
      await this.#wakeup.wait(waitMs);
    }
  }

  /**
   * An app without a count may wait for what the machine is to be told, so its agent asks for that once, and says once
   * that it has it: nobody else is given it from then on. One whose machine waits for its VM asks until there is one.
   */
  #toSay(): ReportedUsage | null {
    const { reported, assigned } = this.#options.usage;
    if (reported !== null) return reported;
    if (assigned !== null && this.#taken?.assigned?.state !== assigned.state) {
      return { connections: 0, ready: false, assigned };
    }
    return this.#heardOnce && !this.#waits ? null : { connections: 0, ready: false };
  }

  async #reportOnce(): Promise<void> {
    await this.#options.app.recount();
    const { changedAt } = this.#options.usage;
    const reported = this.#toSay();
    if (!reported) return;
    const report: HttpReport = {
      sequence: this.#options.nextSequence(),
      ...reported,
      calmMs: Math.round(performance.now() - changedAt),
      forwarded: this.#forwardedNow(),
      ...(this.#asked === null ? {} : { answers: this.#asked }),
    };
    const reply = await this.#post('v1/agent/report', report, parseReportReply);
    if (reply) this.#take(reported, reply);
    else this.#doubt(reported);
  }

  /**
   * Nobody knows whether a failed report was taken. What it said is said again or corrected as soon as possible,
   * and the forwarding state is no longer true if that report moved it.
   */
  #doubt(reported: ReportedUsage): void {
    this.#taken = null;
    // The question comes again; an API of an earlier version takes no answer that names one.
    this.#asked = null;
    if (this.#forwarded?.state.connections !== reported.connections) this.#forwarded = null;
  }

  #take(reported: ReportedUsage, reply: HttpReportReply): void {
    this.#taken = reported;
    this.#heardOnce = true;
    // Not after an exchange: one that is granted while reports are refused must not be asked for again and again.
    if (this.#refusals > 0) this.#options.log('The API takes reports of this machine again.');
    this.#refusals = 0;
    this.#waits = reply.waits === true;
    if (reply.assignment !== undefined) this.#options.assignee.take(reply.assignment);
    if (reply.token !== undefined) this.#useToken(reply.token);
    this.#streams.told({ isWanted: reply.streams === true, token: this.#token ?? '' });
    if (reply.assignedBefore !== undefined) this.#options.assignee.resume(reply.assignedBefore);
    const isNewQuestion = reply.confirm !== undefined && reply.confirm !== this.#asked;
    this.#asked = reply.confirm ?? null;
    this.#aliveAt = performance.now() + (isNewQuestion ? 0 : reply.nextReportSeconds * 1000);
    this.#forwarded = reply.forwarded && {
      state: reply.forwarded,
      receivedAt: Date.now(),
      receivedTick: performance.now(),
    };
    if (reply.draining !== this.#draining) this.#options.app.setDraining(reply.draining);
    this.#draining = reply.draining;
  }

  #forwardedNow(): ForwardedState | null {
    if (!this.#forwarded) return null;
    const { state, receivedAt, receivedTick } = this.#forwarded;
    // One clock stands still while a machine is suspended and the other may be set back; too old does no harm.
    const sinceMs = Math.max(Date.now() - receivedAt, performance.now() - receivedTick);
    return { ...state, ageMs: state.ageMs + Math.round(sinceMs) };
  }

  /** The parsed answer; undefined after a failure or a refusal, once the pause before the next try is over. */
  async #post<R>(path: string, body: unknown, parse: (body: unknown) => R | undefined): Promise<R | undefined> {
    let reply: JsonReply | undefined;
    let failure: string;
    try {
      const base = this.#options.apiUrl.replace(/\/*$/, '/');
      reply = await postJson(new URL(path, base), body, { token: this.#token, ca: this.#options.apiCa });
      failure = `the API answers ${reply.status}`;
    } catch (error) {
      failure = `the API cannot be reached: ${(error as Error).message}`;
    }
    if (reply?.status === 401) {
      await this.#pauseRefused();
      return undefined;
    }
    const answer = reply && reply.status >= 200 && reply.status < 300 ? parse(reply.body) : undefined;
    if (answer === undefined) {
      await this.#pauseAfter(failure, reply?.status === 429 ? reply.retryAfterSeconds : undefined);
    } else {
      this.#noteSuccess();
    }
    return answer;
  }

  async #pauseAfter(failure: string, retryAfterSeconds: number | undefined): Promise<void> {
    this.#failures++;
    if (this.#failures === 1) this.#options.log(`A report failed, it is tried again: ${failure}.`);
    const pauseMs =
      retryAfterSeconds === undefined ? backoffMs(this.#failures, randomFraction()) : retryAfterSeconds * 1000;
    await delay(pauseMs);
  }

  async #pauseRefused(): Promise<void> {
    this.#refusals++;
    if (this.#waits && this.#refusals === 1) {
      // A VM waits for it now, most likely.
      this.#options.log('The machine waits in its pool no more: its agent proves itself anew.');
      return;
    }
    if (this.#refusals === 1) {
      this.#options.log('The API refused this machine (401): its agent proves itself again and goes on trying.');
    }
    await delay(refusedBackoffMs(this.#refusals, randomFraction()));
  }

  #noteSuccess(): void {
    if (this.#failures > 0) this.#options.log('The API answers again.');
    this.#failures = 0;
  }
}
