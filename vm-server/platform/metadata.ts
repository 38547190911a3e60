/** What an instance asks the metadata service of its cloud. */
import { request } from 'node:http';

const ANSWER_TIMEOUT_MS = 5000;
const MAX_ANSWER_BYTES = 64 * 1024;
const TRIES = 10;
const PAUSE_MS = 1000;

/** Where metadata is, and how long to pause between tries. */
export interface MetadataPlace {
  metadataUrl: string;
  pauseMs?: number;
}

export interface MetadataQuestion {
  path: string;
  method?: 'GET' | 'PUT';
  /** By which the service knows that no browser was tricked into asking. */
  headers: Record<string, string>;
}

/** The service has nothing of that name. */
export class NotInMetadata extends Error {}

/** The answer, without spaces around it. The network of an instance may come up after its programs. Errors: {@link NotInMetadata}. */
export async function askMetadata(
  { path, method = 'GET', headers }: MetadataQuestion,
  { metadataUrl, pauseMs = PAUSE_MS }: MetadataPlace,
): Promise<string> {
  const url = new URL(path, metadataUrl);
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(url, method, headers);
    } catch (error) {
      if (attempt === TRIES || error instanceof NotInMetadata) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** As {@link askMetadata}; undefined where the service has nothing of that name. */
export async function findInMetadata(question: MetadataQuestion, place: MetadataPlace): Promise<string | undefined> {
  try {
    return await askMetadata(question, place);
  } catch (error) {
    if (error instanceof NotInMetadata) return undefined;
    throw error;
  }
}

function ask(url: URL, method: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, timeout: ANSWER_TIMEOUT_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_ANSWER_BYTES) asked.destroy(new Error('the metadata server says too much'));
      });
      answer.on('end', () => {
        if (answer.statusCode === 200 && text.trim() !== '') resolve(text.trim());
        else {
          const failure = `the metadata server answers ${answer.statusCode ?? 0} to ${url.pathname}`;
          const isNothing = answer.statusCode === 404 || answer.statusCode === 200;
          reject(isNothing ? new NotInMetadata(failure) : new Error(failure));
        }
      });
      answer.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('the metadata server does not answer')));
    asked.on('error', reject);
    asked.end();
  });
}
