/** The question of a computer to the API: may I be a host, and what do I need for it? */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { boundedBody } from '../../lib/network/bounded-body.ts';
import { goesInClear } from '../../lib/network/plain-url.ts';
import { proveEndpoint } from '../../security/hosts/endpoint-proof.ts';
import { membershipSchema, type Membership } from '../../security/hosts/host-membership.ts';
import { ScriptError } from '../terminal/terminal.ts';
import { requestApi } from './api-request.ts';

const ANSWER_MS = 20_000;
const TRIES = 3;
const PAUSE_MS = 1000;
const MAX_ANSWER_BYTES = 256 * 1024;

const problemSchema = z.object({ detail: z.string(), code: z.string() });

export interface JoinQuestion {
  /** As the person wrote it. */
  apiUrl: string;
  token: string;
  hostId: string;
  hostKey: string;
  /** PEM of the key of its internal endpoint. */
  endpointKey: string;
  /** Absent: all of the deployment that run on hosts. */
  providers?: readonly string[];
  /** PEM file by which the API is known; null: by the authorities of this computer. */
  caFile: string | null;
}

/**
 * What the API answers; asked again when an answer was lost, which spends no second token.
 * @throws ScriptError that says what to do next.
 */
export async function askToJoin(question: JoinQuestion): Promise<Membership> {
  const { apiUrl } = question;
  if (!URL.canParse(apiUrl) || !/^https?:$/.test(new URL(apiUrl).protocol)) {
    throw new ScriptError(
      `--join: must be the address of the API, such as https://ephemera.example.com, not ${apiUrl}`,
    );
  }
  // Refused by the API too, but by then the token would have been read on its way.
  if (goesInClear(apiUrl)) {
    throw new ScriptError(
      `${apiUrl}: a host gets secrets, and they would travel in plain text. Give the API TLS (docs/tls.md) and join by its ` +
        'https:// address, or join from the same computer',
    );
  }
  for (let tried = 1; ; tried += 1) {
    const answer = await ask(question).catch((error: unknown) => noAnswer(apiUrl, error, tried));
    if (answer?.status === 200) return membershipOf(apiUrl, answer.text);
    if (answer !== undefined && (answer.status !== 503 || tried === TRIES)) throw refusal(apiUrl, answer);
    await sleep(PAUSE_MS);
  }
}

interface Answer {
  status: number;
  text: string;
}

async function ask(question: JoinQuestion): Promise<Answer> {
  const { apiUrl, token, hostId, hostKey, endpointKey, providers, caFile } = question;
  const endpoint = proveEndpoint(endpointKey, { hostId, token });
  const answer = await requestApi({
    ...{ apiUrl, path: 'v1/hosts/join', caFile, answerMs: ANSWER_MS, method: 'POST' },
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ hostId, hostKey, endpoint, ...(providers === undefined ? {} : { providers }) }),
  });
  const body = await boundedBody(answer, MAX_ANSWER_BYTES, 'the answer is none of an API');
  return { status: answer.statusCode ?? 0, text: body.toString('utf8') };
}

const UNKNOWN_CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

function noAnswer(apiUrl: string, error: unknown, tried: number): undefined {
  const { code = '', message } = error as { code?: string; message: string };
  if (UNKNOWN_CERTIFICATE.test(code)) {
    throw new ScriptError(
      `${apiUrl}: its certificate is not known here (${code}). Set EPHEMERA_API_CA_CERT to the PEM file by which it is known`,
    );
  }
  if (code === 'ECONNRESET' && tried < TRIES) return undefined;
  throw new ScriptError(
    `${apiUrl} does not answer (${code || message}). See that the API runs and that this computer reaches it, then type the ` +
      'command again: the token is still good',
  );
}

function refusal(apiUrl: string, { status, text }: Answer): ScriptError {
  const problem = problemSchema.safeParse(jsonOf(text)).data;
  if (problem !== undefined) return new ScriptError(`${problem.detail} (${problem.code})`);
  return new ScriptError(`${apiUrl} answers ${status}, which is no answer of this API; is the address right?`);
}

function membershipOf(apiUrl: string, text: string): Membership {
  const membership = membershipSchema.safeParse(jsonOf(text)).data;
  if (membership !== undefined) return membership;
  throw new ScriptError(
    `${apiUrl} answers what this version does not understand; use the same version on both computers`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
