import {
  parseAssignment,
  parseAssignmentState,
  type Assignment,
  type ScriptEnd,
} from '../../../domain/agent/assignment.ts';
import type { KeptFiles } from '../kept-files.ts';

/** On an instance of Compute Engine: on its disk, so that it lasts over a restart. */
export const INSTANCE_STATE_DIR = '/var/lib/ephemera';

const MARKER_FILE = 'startup-script.json';
const ASSIGNMENT_FILE = 'assignment.json';

/**
 * Says on the machine's disk that its startup script was begun and how it ended, for an agent that starts again. Says
 * nothing of the script itself, and counts for one machine only: a disk may be the copy of another's.
 */
export class ScriptMarker {
  readonly #kept: KeptFiles;

  constructor(kept: KeptFiles) {
    this.#kept = kept;
  }

  /** How the script of this machine ended, null when it was begun and nobody saw its end, undefined when it never ran. */
  read(machineId: string): ScriptEnd | null | undefined {
    let marker: { machineId?: unknown; end?: unknown };
    try {
      marker = JSON.parse(this.#kept.read(MARKER_FILE) ?? '') as typeof marker;
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

  /** Removes what was kept; without it nothing. */
  forgetAssignment(): void {
    this.#kept.remove(ASSIGNMENT_FILE);
  }

  /** What was kept for this machine, or undefined. */
  keptAssignment(machineId: string): Assignment | undefined {
    try {
      const kept = parseAssignment(JSON.parse(this.#kept.read(ASSIGNMENT_FILE) ?? ''));
      return kept?.machineId === machineId ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  #replace(file: string, content: object): void {
    this.#kept.write(file, JSON.stringify(content));
  }
}
