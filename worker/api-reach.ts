import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const TRY_TIMEOUT_MS = 2000;

/**
 * Whether the API answers at the address that machines have, as their agents reach it: over https only with the
 * certificate that they trust. Whatever it answers is an answer. One try of two seconds; never rejects.
 */
export function apiAnswers(
  { apiUrl, apiCa }: { apiUrl: string; apiCa?: string },
  signal?: AbortSignal,
): Promise<boolean> {
  const url = new URL('healthz', apiUrl.replace(/\/*$/, '/'));
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const limits = [AbortSignal.timeout(TRY_TIMEOUT_MS), ...(signal === undefined ? [] : [signal])];
  const options = { agent: false, signal: AbortSignal.any(limits), ...(apiCa === undefined ? {} : { ca: apiCa }) };
  return new Promise((resolve) => {
    const asked = send(url, options, (answer) => {
      answer.resume();
      resolve(true);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
