import { request } from 'node:http';
import type { InstancePlatform } from '../instance-platform.ts';

/** Where every Compute Engine instance reaches its metadata server. */
export const METADATA_URL = 'http://metadata.google.internal';

const ANSWER_TIMEOUT_MS = 5000;
const MAX_ANSWER_BYTES = 16 * 1024;
const TRIES = 10;
const PAUSE_MS = 1000;

export interface GceProofOptions {
  /** The API; also what the identity token is made for. */
  apiUrl: string;
  /** Another metadata server. */
  metadataUrl?: string;
  pauseMs?: number;
}

/**
 * What this instance exchanges for a report token: its binding, which is in its metadata, and an identity token that the
 * metadata server signs for it alone. Rejects when the metadata server does not answer.
 */
export async function gceProof({
  apiUrl,
  metadataUrl = METADATA_URL,
  pauseMs = PAUSE_MS,
}: GceProofOptions): Promise<string> {
  const read = (path: string): Promise<string> => patiently(() => readMetadata(new URL(path, metadataUrl)), pauseMs);
  const binding = await read('/computeMetadata/v1/instance/attributes/ephemera-agent-binding');
  const audience = encodeURIComponent(apiUrl);
  const place = '/computeMetadata/v1/instance/service-accounts/default/identity';
  const token = await read(`${place}?audience=${audience}&format=full`);
  return `gce ${binding} ${token}`;
}

export const GCE: InstancePlatform = { name: 'gce', metadataUrl: METADATA_URL, prove: gceProof, secret: gceSecret };

/** The one-time secret of this instance as its metadata has it now: a machine that waited gets another one with its VM. */
export function gceSecret(place: { metadataUrl?: string; pauseMs?: number }): Promise<string | undefined> {
  return instanceAttribute('ephemera-agent-secret', place);
}

/** An attribute of the instance's metadata, or undefined when it has none of that name. */
export async function instanceAttribute(
  key: string,
  { metadataUrl = METADATA_URL, pauseMs = PAUSE_MS }: { metadataUrl?: string; pauseMs?: number },
): Promise<string | undefined> {
  const url = new URL(`/computeMetadata/v1/instance/attributes/${key}`, metadataUrl);
  try {
    return await patiently(() => readMetadata(url), pauseMs);
  } catch (error) {
    if (error instanceof NotThere) return undefined;
    throw error;
  }
}

class NotThere extends Error {}

/** The network of an instance may come up after its programs. */
async function patiently(work: () => Promise<string>, pauseMs: number): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === TRIES || error instanceof NotThere) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

function readMetadata(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    // The header tells the metadata server that no browser was tricked into asking.
    const options = { headers: { 'Metadata-Flavor': 'Google' }, timeout: ANSWER_TIMEOUT_MS };
    const asked = request(url, options, (answer) => {
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
          reject(answer.statusCode === 404 ? new NotThere(failure) : new Error(failure));
        }
      });
      answer.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('the metadata server does not answer')));
    asked.on('error', reject);
    asked.end();
  });
}
