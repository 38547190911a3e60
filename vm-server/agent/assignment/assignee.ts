import { writeSync } from 'node:fs';
import type { Assignment, ScriptEnd } from '../../../domain/agent/assignment.ts';
import type { Log } from '../../log.ts';
import type { AppUsage } from '../counting/app-usage.ts';
import type { ScriptMarker } from './script-marker.ts';
import { runStartupScript } from './startup-script.ts';

export interface AssigneeParts {
  usage: AppUsage;
  log: Log;
  /** Hears all variables before the script begins; they are in the environment of this process too. */
  onEnvironment?: (variables: Record<string, string>) => void;
  /** Lets the app begin, where it waits for that. */
  openApp?: () => void;
  /** Remembers over a restart of the agent that the script ran; null where agent and machine end together. */
  marker: ScriptMarker | null;
  /**
   * Whether the variables stay on the disk too, for an agent that starts again: where they are given once only. A host gives
   * them at each start of the machine, and what is on the disk is in each image of it.
   */
  keepsVariables?: boolean;
}

/**
 * Takes the machine's assignment, the first one only: its environment becomes that of this process, the startup script
 * runs once in the life of the machine, then the app begins. How far that is stands in every report.
 */
export class Assignee {
  readonly #parts: AssigneeParts;
  #taken = false;
  #missed = false;

  constructor(parts: AssigneeParts) {
    this.#parts = parts;
  }

  take(assignment: Assignment): void {
    if (this.#taken) return;
    this.#taken = true;
    void this.#carryOut(assignment);
  }

  /** Takes up again what this machine was assigned before its agent started anew, from its disk. */
  resume(machineId: string): void {
    if (this.#taken) return;
    const kept = this.#parts.marker?.keptAssignment(machineId);
    if (kept !== undefined) this.take(kept);
    else if (!this.#missed) {
      this.#missed = true;
      this.#parts.log('The variables of this machine were given before and are not on its disk: it cannot go on.');
    }
  }

  async #carryOut(assignment: Assignment): Promise<void> {
    const { usage, log, onEnvironment, openApp } = this.#parts;
    usage.setAssigned({ state: 'underway' });
    const variables = { ...assignment.env, ...assignment.secretEnv };
    Object.assign(process.env, variables);
    onEnvironment?.(variables);
    const end = assignment.startupScript === null ? SUCCESS : await this.#runOnce(assignment, assignment.startupScript);
    if (end.exitCode === 0) {
      this.#keep(assignment);
      openApp?.();
      log(`This machine is ${assignment.name} of project ${assignment.project} now.`);
      usage.setAssigned({ state: 'done' });
    } else {
      log(`The startup script failed (${end.cause}, exit code ${end.exitCode ?? 'none'}): the app is not started.`);
      usage.setAssigned({ state: 'failed', end });
    }
  }

  #keep(assignment: Assignment): void {
    const { marker, keepsVariables = true } = this.#parts;
    try {
      if (keepsVariables) marker?.keepAssignment(assignment);
      else marker?.forgetAssignment();
    } catch (error) {
      this.#parts.log(`The variables cannot be kept for a restart of the agent: ${(error as Error).message}.`);
    }
  }

  async #runOnce({ machineId, timeoutSeconds }: Assignment, text: string): Promise<ScriptEnd> {
    const { marker, log } = this.#parts;
    const before = marker?.read(machineId);
    // A script that was cut off may have done anything: it is not run a second time.
    if (before !== undefined) return before ?? { cause: 'interrupted', exitCode: null };
    try {
      marker?.write(machineId, null);
      log('The startup script begins.');
      const end = await runStartupScript({ text, timeoutSeconds, log, print });
      marker?.write(machineId, end);
      return end;
    } catch (error) {
      log(`The startup script could not be started: ${(error as Error).message}.`);
      return { cause: 'unstartable', exitCode: null };
    }
  }
}

const SUCCESS: ScriptEnd = { cause: 'exited', exitCode: 0 };

function print(output: Buffer): void {
  try {
    writeSync(1, output);
  } catch {
    // Nobody reads the console: the script goes on.
  }
}
