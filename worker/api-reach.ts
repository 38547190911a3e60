import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { z } from 'zod';

const TRY_TIMEOUT_MS = 2000;
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
  const limits = [AbortSignal.timeout(TRY_TIMEOUT_MS), ...(signal === undefined ? [] : [signal])];
  const options = { agent: false, signal: AbortSignal.any(limits), ...(apiCa === undefined ? {} : { ca: apiCa }) };
  try {
    const answer = await get(new URL('readyz', apiUrl.replace(/\/*$/, '/')), options);
    if (answer.statusCode !== 200) {
      answer.destroy();
      return false;
    }
    const { listAgeSeconds = 0 } = readySchema.parse(JSON.parse(await textOf(answer)));
    return listAgeSeconds <= LATE_LIST_SECONDS;
  } catch {
    return false;
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
