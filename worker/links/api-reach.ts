import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { z } from 'zod';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';

const TRY_TIMEOUT_MS = 2000;
const LOOK_EACH_MS = 1000;
const LONGEST_GAP_MS = 10_000;
/** A probe that is told to wait comes again within this time. */
const WATCH_MS = 300_000;
const MAX_ANSWER_BYTES = 16 * 1024;
/** Its list of VMs is read each second; one that is so old says that the API does not reach Temporal. */
const LATE_LIST_SECONDS = 30;

/** An API of an earlier version may say less. */
const readySchema = z.object({ listAgeSeconds: z.number().optional() });

/**
 * Whether an agent's report can be taken now at the address that machines have, as they reach it: over https only with
 * the certificate that they trust. The API has to say so itself: what a proxy answers for an API that is away does not
 * count, nor does an API that has not heard of Temporal for half a minute. One try of two seconds; never rejects.
 */
export async function apiAnswers(
  { apiUrl, apiCa }: { apiUrl: string; apiCa?: string },
  signal?: AbortSignal,
): Promise<boolean> {
  const parent = signal ?? new AbortController().signal;
  try {
    return await withLinkedSignal(parent, TRY_TIMEOUT_MS, async (limited) => {
      const options = { agent: false, signal: limited, ...(apiCa === undefined ? {} : { ca: apiCa }) };
      const answer = await get(new URL('readyz', apiUrl.replace(/\/*$/, '/')), options);
      if (answer.statusCode !== 200) {
        answer.destroy();
        return false;
      }
      const { listAgeSeconds = 0 } = readySchema.parse(JSON.parse(await textOf(answer)));
      return listAgeSeconds <= LATE_LIST_SECONDS;
    });
  } catch {
    return false;
  }
}

/**
 * Since when the API answers without a break. One watch serves all silent agents of a process: after an outage they may be
 * all there are. It looks for as long as somebody asks.
 */
export class ApiWatch {
  readonly #look: () => Promise<boolean>;
  readonly #ticks: () => number;
  #since: number | null = null;
  #lookedAt = -Infinity;
  #askedAt = -Infinity;
  #looking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** `ticks`: ms by a clock that nobody sets; only tests give another. */
  constructor(look: () => Promise<boolean>, ticks: () => number = () => performance.now()) {
    this.#look = look;
    this.#ticks = ticks;
  }

  /** For how many seconds it has answered each look of this process; null: it does not now. */
  async reachableSeconds(): Promise<number | null> {
    this.#askedAt = this.#ticks();
    this.#timer ??= setInterval(() => this.#goOn(), LOOK_EACH_MS).unref();
    if (this.#askedAt - this.#lookedAt >= LOOK_EACH_MS) await this.#lookNow();
    return this.#since === null ? null : (this.#ticks() - this.#since) / 1000;
  }

  #goOn(): void {
    if (this.#ticks() - this.#askedAt <= WATCH_MS) {
      void this.#lookNow();
      return;
    }
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #lookNow(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const at = this.#ticks();
    // Of a time in which this process did not look, because it stood still or nobody asked, it knows nothing.
    if (at - this.#lookedAt > LONGEST_GAP_MS) this.#since = null;
    this.#since = (await this.#look()) ? (this.#since ?? at) : null;
    this.#lookedAt = this.#ticks();
  }
}

function get(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    send(url, options, resolve).on('error', reject).end();
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer is no answer of the API');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
