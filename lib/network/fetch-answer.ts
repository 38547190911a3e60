import { inTime } from '../waiting/stalling.ts';

export interface AnswerRequest {
  headers?: Record<string, string>;
  /** Ends the body of the answer too. */
  signal: AbortSignal;
  /** How long there may be no answer. */
  stallMs: number;
}

/** What a server answers, with no redirect followed. Rejects with the error that says why nothing came. */
export async function fetchAnswer(url: URL, { headers = {}, signal, stallMs }: AnswerRequest): Promise<Response> {
  try {
    const answer = fetch(url, { headers, redirect: 'manual', signal });
    return await inTime(answer, stallMs, `no answer within ${stallMs / 1000} s`);
  } catch (error) {
    // What fetch says is that it failed; why is below.
    const { cause } = error as Error;
    throw cause instanceof Error ? cause : error;
  }
}
