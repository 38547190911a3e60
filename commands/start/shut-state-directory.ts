import { makeStateDirectoryPrivate } from '../../security/state-directory.ts';
import { ScriptError, warn } from '../terminal/terminal.ts';

/** Makes the state directory, for its user alone, before anything is written there. @throws ScriptError */
export function shutStateDirectory(stateDir: string): void {
  try {
    if (makeStateDirectoryPrivate(stateDir)) warn(`other users could enter ${stateDir}; now they cannot (mode 0700)`);
  } catch (error) {
    throw new ScriptError(error instanceof Error ? error.message : String(error));
  }
}
