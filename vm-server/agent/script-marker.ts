import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAssignmentState, type ScriptEnd } from '../../domain/assignment.ts';

/** On an instance of Compute Engine: on its disk, so that it lasts over a restart. */
export const GCE_STATE_DIR = '/var/lib/ephemera';

const MARKER_FILE = 'startup-script.json';

/**
 * Says on the machine's disk that its startup script was begun and how it ended, for an agent that starts again. Says
 * nothing of the script itself, and counts for one machine only: a disk may be the copy of another's.
 */
export class ScriptMarker {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** How the script of this machine ended, null when it was begun and nobody saw its end, undefined when it never ran. */
  read(machineId: string): ScriptEnd | null | undefined {
    let marker: { machineId?: unknown; end?: unknown };
    try {
      marker = JSON.parse(readFileSync(join(this.#dir, MARKER_FILE), 'utf8')) as typeof marker;
    } catch {
      return undefined;
    }
    if (marker.machineId !== machineId) return undefined;
    const ended = parseAssignmentState({ state: 'failed', end: marker.end });
    return ended?.state === 'failed' ? ended.end : null;
  }

  write(machineId: string, end: ScriptEnd | null): void {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const draft = join(this.#dir, `${MARKER_FILE}.draft`);
    writeFileSync(draft, JSON.stringify({ machineId, end }), { mode: 0o600 });
    renameSync(draft, join(this.#dir, MARKER_FILE));
  }
}
