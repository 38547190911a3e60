import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstancePlace } from './instance-platform.ts';

/** Where cloud-init puts what an instance is told. */
export const ATTRIBUTE_DIRECTORY = '/run/ephemera/attributes';

const TRIES = 120;
const PAUSE_MS = 1000;

/**
 * An attribute that the instance's user data puts into a file at each boot, all at once; a program of the image may be started
 * before that. Rejects when it waited in vain.
 */
export async function attributeFile(
  name: string,
  { attributeDirectory, pauseMs = PAUSE_MS }: InstancePlace,
): Promise<string | undefined> {
  for (let attempt = 1; !existsSync(attributeDirectory); attempt++) {
    if (attempt === TRIES) throw new Error(`there is no ${attributeDirectory}: make the instance with Ephemera`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  const path = join(attributeDirectory, name);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}
