import { setTimeout as delay } from 'node:timers/promises';
import type { ForwardedState, HttpReport, HttpReportReply } from '../../domain/agent-protocol.ts';
import { randomBytes, randomFraction } from '../randomness.ts';
import { parseExchangeReply, parseReportReply, type ExchangeReply } from './api-replies.ts';
import type { ReportedUsage } from './app-usage.ts';
import { postJson, type JsonReply } from './post-json.ts';
import { backoffMs, reportDueAt } from './report-due.ts';
import type { LinkParts } from './socket-link.ts';
import { Wakeup } from './wakeup.ts';

export interface HttpLinkOptions extends LinkParts {
  apiUrl: string;
  /** PEM of the certificate by which the API is known; without it by the system's authorities. */
  apiCa?: string | undefined;
  /** One-time secret of this machine, exchanged for a report token; or such a token, from before a restart. */
  proof: { secret: string } | { token: string };
  /** Hears each new report token, to keep it over a restart. */
  onToken?: (token: string) => void;
}

/**
 * The link of an agent that reaches the API only: it reports over HTTP and obeys what the answers say, until
 * the API refuses it or the program ends.
 */
export function openHttpLink(options: HttpLinkOptions): void {
  void new HttpLink(options).run();
}

/** The API does not know this agent (any more): there is nothing left to say to it. */
class Refused extends Error {}

class HttpLink {
  readonly #options: HttpLinkOptions;
  readonly #wakeup = new Wakeup();
  #token: string | null = null;
  #taken: ReportedUsage | null = null;
  #aliveAt = 0;
  #forwarded: { state: ForwardedState; receivedAt: number; receivedTick: number } | null = null;
  #draining = false;
  #failures = 0;
  #heardOnce = false;

  constructor(options: HttpLinkOptions) {
    this.#options = options;
    options.usage.onChange(() => this.#wakeup.wake());
  }

  /** Exchanges the secret, if there is no token, and reports until the API refuses the agent. */
  async run(): Promise<void> {
    const { proof, apiUrl, log } = this.#options;
    try {
      if ('token' in proof) this.#token = proof.token;
      else await this.#exchange(proof.secret);
      log(`The agent reports to ${apiUrl}.`);
      for (;;) {
        await this.#untilDue();
        await this.#reportOnce();
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      log(error.message);
    }
  }

  async #exchange(secret: string): Promise<void> {
    // The same nonce on every try: a caller whose answer was lost is granted the exchange again.
    const request = { secret, nonce: randomBytes(16).toString('hex') };
    let reply: ExchangeReply | undefined;
    while (!reply) reply = await this.#post('v1/agent/exchange', request, parseExchangeReply);
    this.#useToken(reply.token);
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

  /** An app without a count may wait for what the machine is to be told, so its agent asks for that once. */
  #toSay(): ReportedUsage | null {
    return this.#options.usage.reported ?? (this.#heardOnce ? null : { connections: 0, ready: false });
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
    if (this.#forwarded?.state.connections !== reported.connections) this.#forwarded = null;
  }

  #take(reported: ReportedUsage, reply: HttpReportReply): void {
    this.#taken = reported;
    this.#heardOnce = true;
    if (reply.assignment !== undefined) this.#options.assignee.take(reply.assignment);
    if (reply.token !== undefined) this.#useToken(reply.token);
    this.#aliveAt = performance.now() + reply.nextReportSeconds * 1000;
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

  /** The parsed answer; undefined after a failure, once the pause before the next try is over. Throws when refused. */
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
      throw new Refused('The API refused this machine (401): its agent stops reporting.');
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

  #noteSuccess(): void {
    if (this.#failures > 0) this.#options.log('The API answers again.');
    this.#failures = 0;
  }
}
