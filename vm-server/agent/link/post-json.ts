import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { MAX_ASSIGNMENT_BYTES } from '../../../domain/agent/assignment.ts';
import { boundedBody } from '../../../lib/network/bounded-body.ts';

const TIMEOUT_MS = 10_000;
/** The longest answer is one with an assignment. */
const MAX_REPLY_BYTES = MAX_ASSIGNMENT_BYTES + 64 * 1024;
/** An agent that is silent for longer counts as unknown, whatever the answer asked for. */
const LONGEST_RETRY_AFTER_SECONDS = 120;

export interface JsonReply {
  status: number;
  /** Undefined when the reply is no JSON. */
  body: unknown;
  /** What Retry-After asks for, if it does. */
  retryAfterSeconds: number | undefined;
}

/** Certificates that no authority known here vouches for. */
const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Posts a JSON body; over https nothing is sent before the certificate was verified: by `ca` alone where that is given. Resolves with any reply;
 * rejects when there is none, or it is too slow or too long.
 */
export function postJson(
  url: URL,
  body: unknown,
  { token, ca }: { token: string | null; ca?: string | undefined },
): Promise<JsonReply> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const payload = JSON.stringify(body);
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    // Reports are seconds apart, so a kept connection would mostly be found closed.
    // The app's environment, which may switch verification off for itself, does not decide about secrets.
    const options = { method: 'POST', headers, agent: false, rejectUnauthorized: true } as const;
    const request = send(url, ca === undefined ? options : { ...options, ca }, (reply) => {
      readReply(reply).then(resolve, reject);
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`no reply within ${TIMEOUT_MS / 1000} seconds`)),
      TIMEOUT_MS,
    );
    request.on('close', () => clearTimeout(timer));
    request.on('error', (error) => reject(explained(error)));
    request.end(payload);
  });
}

function explained(error: NodeJS.ErrnoException): Error {
  if (!UNKNOWN_AUTHORITY.has(error.code ?? '')) return error;
  const remedy = 'nothing was sent; start the agent with NODE_EXTRA_CA_CERTS naming the file of the right authority';
  return new Error(`its certificate is not trusted (${error.message}), ${remedy}`, { cause: error });
}

async function readReply(reply: IncomingMessage): Promise<JsonReply> {
  const tooLong = `the reply is longer than ${MAX_REPLY_BYTES} bytes`;
  const body = await boundedBody(reply, MAX_REPLY_BYTES, tooLong);
  return {
    status: reply.statusCode ?? 0,
    body: parseJson(body.toString('utf8')),
    retryAfterSeconds: parseRetryAfter(reply.headers['retry-after'], Date.now()),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Seconds in a Retry-After header, which names seconds or a date; not more than the agent can afford. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isFinite(seconds) ? Math.min(LONGEST_RETRY_AFTER_SECONDS, Math.max(0, seconds)) : undefined;
}
