/** Requests of a host to the API of its deployment, whose certificate only a file given to it may vouch for. */
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface ApiRequest extends Pick<RequestOptions, 'method' | 'headers'> {
  apiUrl: string;
  /** Below the address of the API, without a slash in front. */
  path: string;
  /** PEM; null: what the system trusts. */
  caFile: string | null;
  /** The whole answer comes within this time. */
  answerMs: number;
  body?: string;
}

/** Resolves with an answer whose body nobody has read yet. Rejects with the system's error. */
export function requestApi({ apiUrl, path, caFile, answerMs, body, ...rest }: ApiRequest): Promise<IncomingMessage> {
  const url = new URL(path, apiUrl.replace(/\/*$/, '/'));
  const options = {
    ...rest,
    agent: false,
    signal: AbortSignal.timeout(answerMs),
    ...(caFile === null ? {} : { ca: readFileSync(caFile) }),
  };
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    send(url, options, resolve).on('error', reject).end(body);
  });
}
