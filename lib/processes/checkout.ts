import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory that this code is in: a checkout, or an installed package (docs/decisions/0091). */
export const CODE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Whether there are sources, from which programs are built where they are out of date. A package has only what was built. */
export const IS_CHECKOUT = existsSync(join(CODE_ROOT, 'tsconfig.json'));

/**
 * Where a state directory is that nobody chose: `.ephemera` in a checkout is `~/.local/state/ephemera` of an installed package, whose own
 * directory goes with the next version.
 */
export function defaultStateDirectory(name: string): string {
  if (IS_CHECKOUT) return join(CODE_ROOT, `.${name}`);
  return join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), name);
}
