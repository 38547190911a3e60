import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { DamagedFile, unlessAbsent } from '../host-failure.ts';

/** The text of a file, or undefined when there is none. Errors: `hostFailure`. */
export async function readText(path: string): Promise<string | undefined> {
  return unlessAbsent(readFile(path, 'utf8'));
}

/**
 * The value in a JSON file, or undefined when there is none. Errors: {@link DamagedFile} where the file holds something
 * else, `hostFailure` where it cannot be read.
 */
export async function readChecked<Value>(path: string, schema: z.ZodType<Value>): Promise<Value | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const checked = schema.safeParse(parsed(path, text));
  if (checked.success) return checked.data;
  // Never the value itself: a manifest holds the environment of an app.
  const [issue] = checked.error.issues;
  throw new DamagedFile(path, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not what it must be'}`);
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedFile(path, text === '' ? 'it is empty' : 'it is no JSON');
  }
}
