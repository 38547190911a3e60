/** What the generated client cannot send to the API: bad input, raw bytes, other methods and paths, no key at all. */
import type { Problem } from '../../client/api-client.ts';
import type { Caller } from './api-calls.ts';

export interface PlainAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** Of JSON what it says, else `{text}`. */
  body: Partial<Problem> & Record<string, unknown>;
}

/** `body`: sent as it is where it is a string, else as JSON. `key`: null sends none. */
export async function plainRequest(
  { url, key, seen }: Omit<Caller, 'key'> & { key: string | null },
  method: string,
  path: string,
  { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<PlainAnswer> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  await seen?.(answer.clone());
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
  const said = (isJson ? JSON.parse(text) : { text }) as PlainAnswer['body'];
  return { status: answer.status, headers: answer.headers, text, body: said };
}
