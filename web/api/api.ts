/** The public API, as the client generated from openapi.json knows it, with the session of this browser instead of a key. */
import createClient from 'openapi-fetch';
import { ApiRefusal } from '../../client/api-client.ts';
import type { paths } from '../../client/api-types.ts';
import { currentSession, endSession } from '../session/session.ts';
import { noteAnswer, noteSilence } from './reach.ts';

type Media = 'application/json' | 'application/problem+json' | `text/${string}`;

const DEADLINE_MS = 30_000;
export const PROOF_HEADER = 'x-ephemera-session';

export const api = createClient<paths, Media>({ baseUrl: '', fetch: sessionFetch });

/** Like `fetch`, for paths of the API: with the session, noting whether the API is in reach, and ending a session that it refuses. */
export async function sessionFetch(request: Request): Promise<Response> {
  const proof = currentSession()?.proof;
  if (proof !== undefined) request.headers.set(PROOF_HEADER, proof);
  const response = await fetch(request, {
    credentials: 'same-origin',
    signal: AbortSignal.any([request.signal, AbortSignal.timeout(DEADLINE_MS)]),
  }).catch((error: unknown) => {
    if (!request.signal.aborted) noteSilence();
    throw error;
  });
  noteAnswer(response.status);
  if (response.status === 401 && proof !== undefined && currentSession()?.proof === proof) {
    endSession('The session has ended: its time is over, or its key was revoked. Sign in again.');
  }
  return response;
}

/** What went wrong, for people. */
export function explained(error: unknown): { title: string; detail: string; requestId?: string; code?: string } {
  if (error instanceof ApiRefusal && error.problem !== undefined) {
    const { title, detail, requestId, code } = error.problem;
    return { title, detail, requestId, code };
  }
  if (error instanceof ApiRefusal) return { title: `The API answered ${error.status}`, detail: error.message };
  return { title: 'The API does not answer', detail: 'It is tried again by itself. Look whether it runs.' };
}

/** The fields that the API wants to have corrected, by their path in the body: `idle.timeoutSeconds`. */
export function fieldProblems(error: unknown): Record<string, string> {
  if (!(error instanceof ApiRefusal)) return {};
  const fields = error.problem?.fields ?? [];
  return Object.fromEntries(fields.map(({ field, problem }) => [field.replace(/^body\.?/, ''), problem]));
}
