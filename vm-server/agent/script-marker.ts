import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAssignment, parseAssignmentState, type Assignment, type ScriptEnd } from '../../domain/assignment.ts';

/** On an instance of Compute Engine: on its disk, so that it lasts over a restart. */
export const GCE_STATE_DIR = '/var/lib/ephemera';

const MARKER_FILE = 'startup-script.json';
const ASSIGNMENT_FILE = 'assignment.json';

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
    this.#replace(MARKER_FILE, { machineId, end });
  }

  /**
   * Keeps the variables of a machine that is done with its assignment, for root alone: the API gives them once only, and
   * an agent that starts again needs them. Its script is left out, since it never runs again.
   */
  keepAssignment(assignment: Assignment): void {
    this.#replace(ASSIGNMENT_FILE, { ...assignment, startupScript: null });
  }

  /** What was kept for this machine, or undefined. */
  keptAssignment(machineId: string): Assignment | undefined {
    try {
      const kept = parseAssignment(JSON.parse(readFileSync(join(this.#dir, ASSIGNMENT_FILE), 'utf8')));
      return kept?.machineId === machineId ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  #replace(file: string, content: object): void {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const draft = join(this.#dir, `${file}.draft`);
    rmSync(draft, { force: true });
    writeFileSync(draft, JSON.stringify(content), { mode: 0o600, flag: 'wx' });
    renameSync(draft, join(this.#dir, file));
  }
}
