/** Sends one message as Standard Webhooks says, to an address that was checked, and follows nothing. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { BlockList, LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { DeliveryOutcome, WebhookMessage } from '../../domain/webhook/state.ts';
import type { ResolvedAddress } from '../../lib/network/host-addresses.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import type { WebhookTarget } from '../../security/sealing/sealed-webhooks.ts';
import { allowedAddresses, TargetRefused } from './target.ts';

/** Nothing of an answer counts but its status; more than this of it is not even read. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface SendContext {
  privateTargets: BlockList;
  /** Aborts when nobody waits for the outcome any more. */
  gone: AbortSignal;
}

/** What came of it. @throws only when `gone` aborts. */
export async function sendMessage(
  { url: address, secret }: WebhookTarget,
  message: WebhookMessage,
  { privateTargets, gone }: SendContext,
): Promise<Omit<DeliveryOutcome, 'number'>> {
  return withLinkedSignal(gone, TIMEOUTS.webhookRequestSeconds * 1000, async (signal) => {
    try {
      const url = new URL(address);
      const addresses = await allowedAddresses(url, privateTargets);
      const body = bodyOf(message);
      const options = { headers: signedHeaders(secret, message, body), signal };
      return outcomeOf(await posted(url, addresses, body, options));
    } catch (error) {
      gone.throwIfAborted();
      if (error instanceof TargetRefused) return { delivered: false, detail: `refused: ${error.message}` };
      if (signal.aborted) return { delivered: false, detail: `no answer within ${TIMEOUTS.webhookRequestSeconds} s` };
      return { delivered: false, detail: `no answer: ${errorCode(error)}` };
    }
  });
}

/** The body of a message, the same at each try. */
export function bodyOf({ kind, at, data }: WebhookMessage): string {
  return JSON.stringify({ type: kind, timestamp: at, data });
}

function signedHeaders(secret: string, { messageId }: WebhookMessage, body: string): Record<string, string> {
  const now = new Date();
  return {
    'content-type': 'application/json',
    'content-length': `${Buffer.byteLength(body)}`,
    'user-agent': 'Ephemera-Webhooks',
    'webhook-id': messageId,
    'webhook-timestamp': `${Math.floor(now.getTime() / 1000)}`,
    'webhook-signature': new Webhook(secret).sign(messageId, now, body),
  };
}

function posted(
  url: URL,
  addresses: readonly ResolvedAddress[],
  body: string,
  options: Pick<RequestOptions, 'headers' | 'signal'>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    // A connection of its own, to what was checked: the name is not resolved again.
    const sent = request(url, { ...options, method: 'POST', agent: false, lookup: onlyTo(addresses) });
    sent.once('response', (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) answer.destroy();
      });
      answer.on('error', () => undefined);
      resolve(answer);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function onlyTo(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, { all }, done) => {
    const [first] = addresses;
    if (all === true) done(null, [...addresses]);
    else done(null, first?.address ?? '', first?.family);
  };
}

function outcomeOf({ statusCode = 0, headers }: IncomingMessage): Omit<DeliveryOutcome, 'number'> {
  const status = statusCode;
  if (status >= 200 && status < 300) return { delivered: true, status };
  if (status >= 300 && status < 400) return { delivered: false, status, detail: 'a redirect is not followed' };
  const seconds = /^\d{1,6}$/.exec(headers['retry-after'] ?? '')?.[0];
  return {
    ...{ delivered: false, status },
    ...(status === 410 ? { gone: true as const } : {}),
    ...(seconds === undefined ? {} : { retryAfterSeconds: Number(seconds) }),
  };
}

/** What a message of an error says may name addresses. */
function errorCode(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'the connection failed';
}
