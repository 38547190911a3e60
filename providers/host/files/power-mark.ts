/**
 * The mark of a machine that was stopped or suspended on request, kept in its directory from before its process ends until it runs
 * again: it tells such a machine from one that ended by itself, whoever dies in between.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LOCAL_MACHINE_FILE } from '../../../domain/machine/local-machine.ts';
import { replaceFile } from '../../../lib/files/atomic-file.ts';
import { readChecked } from './checked-file.ts';
import { jsonText } from './machine-files.ts';

const markSchema = z.looseObject({ power: z.enum(['stopped', 'suspended']) });

export type PowerMark = 'stopped' | 'suspended';

/** What was asked of the machine; undefined: to run. Errors: `hostFailure`. */
export async function markOf(dir: string): Promise<PowerMark | undefined> {
  return (await readChecked(join(dir, LOCAL_MACHINE_FILE.power), markSchema))?.power;
}

export async function mark(dir: string, power: PowerMark): Promise<void> {
  await replaceFile(join(dir, LOCAL_MACHINE_FILE.power), jsonText({ power }));
}

export async function clearMark(dir: string): Promise<void> {
  await rm(join(dir, LOCAL_MACHINE_FILE.power), { force: true });
}
