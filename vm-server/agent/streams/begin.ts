import type { ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { parseStreamEnd, type StreamEnd } from '../../../domain/agent/streams/frames.ts';

const MOST_CHARACTERS = 1000;

/** Resolves once what a child is to start has begun, or with why it has not, which it says on descriptor 3 where that is a pipe. */
export function begunIn(child: ChildProcess): Promise<StreamEnd | null> {
  const said = (child.stdio as unknown[])[3];
  if (!(said instanceof Readable)) return Promise.resolve(null);
  let text = '';
  said.on('data', (chunk: Buffer) => {
    if (text.length < MOST_CHARACTERS) text += chunk.toString();
  });
  said.on('error', () => undefined);
  return new Promise((resolve) => {
    said.once('close', () => {
      const [code, ...words] = text.split(' ');
      resolve(text === '' ? null : parseStreamEnd({ code, detail: words.join(' ') }));
    });
  });
}
