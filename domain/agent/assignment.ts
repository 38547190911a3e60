/**
 * What a machine with sealed input gets over its link, once in its life, and what its agent says of it
 * (docs/decisions/0020). Until its agent says `done` such a machine is not ready.
 */
import { fieldsOf } from '../untrusted.ts';

/** Host or API -> agent. Again and again until the agent says that it has one; only the first counts. */
export interface Assignment {
  /** The marker that an agent keeps is worth nothing on a machine that was made from the disk of another. */
  machineId: string;
  name: string;
  project: string;
  env: Record<string, string>;
  secretEnv: Record<string, string>;
  startupScript: string | null;
  /** The startup script is killed after this long. */
  timeoutSeconds: number;
}

/** How a startup script ended. No text of its own: that may hold secrets, and stays on the machine's console. */
export interface ScriptEnd {
  /** Null when it did not end by itself. */
  exitCode: number | null;
  /** `killed`: by something else than its time-out. `unstartable`: its interpreter is not there. */
  cause: 'exited' | 'timedOut' | 'killed' | 'unstartable' | 'interrupted';
}

/** Agent -> host, part of every report of an agent that has an assignment. */
export type AssignmentState = { state: 'underway' } | { state: 'done' } | { state: 'failed'; end: ScriptEnd };

/** Longest assignment as JSON: one line on a link, or one answer of the API. */
export const MAX_ASSIGNMENT_BYTES = 512 * 1024;

/** Between the end of a startup script by its time-out and the end of the VM's readiness time-out. */
const REPORT_MARGIN_SECONDS = 2;

/** How long a startup script may take when the VM is given up in `secondsLeft`: its failure must be reported before. */
export function scriptTimeoutSeconds(secondsLeft: number): number {
  return Math.max(1, Math.floor(secondsLeft) - REPORT_MARGIN_SECONDS);
}

/** One sentence for people, with no word of the script. */
export function scriptEndText({ cause, exitCode }: ScriptEnd): string {
  switch (cause) {
    case 'exited':
      return `the startup script ended with exit code ${exitCode ?? 0}; its output is on the console`;
    case 'timedOut':
      return 'the startup script did not end in time and was killed; its output is on the console';
    case 'killed':
      return 'the startup script was killed; its output is on the console';
    case 'unstartable':
      return 'the startup script could not be started; the console says why';
    case 'interrupted':
      return 'the agent ended while the startup script ran, and a script runs once only; its output is on the console';
  }
}

/** The assignment in a parsed JSON text, or undefined when it is none. */
export function parseAssignment(value: unknown): Assignment | undefined {
  const { machineId, name, project, env, secretEnv, startupScript, timeoutSeconds } = fieldsOf(value);
  if (typeof machineId !== 'string' || typeof name !== 'string' || typeof project !== 'string') return undefined;
  if (!isVariables(env) || !isVariables(secretEnv)) return undefined;
  if (startupScript !== null && typeof startupScript !== 'string') return undefined;
  if (typeof timeoutSeconds !== 'number' || !(timeoutSeconds > 0)) return undefined;
  return { machineId, name, project, env, secretEnv, startupScript, timeoutSeconds };
}

/** What an untrusted agent says of its assignment, or undefined when it says nothing that makes sense. */
export function parseAssignmentState(value: unknown): AssignmentState | undefined {
  const { state, end } = fieldsOf(value);
  if (state === 'underway' || state === 'done') return { state };
  const ended = state === 'failed' ? parseScriptEnd(end) : undefined;
  return ended && { state: 'failed', end: ended };
}

function parseScriptEnd(value: unknown): ScriptEnd | undefined {
  const { exitCode, cause } = fieldsOf(value);
  switch (cause) {
    case 'exited':
      return isExitCode(exitCode) ? { cause, exitCode } : undefined;
    case 'timedOut':
    case 'killed':
    case 'unstartable':
    case 'interrupted':
      return { cause, exitCode: null };
    default:
      return undefined;
  }
}

function isExitCode(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;
}

function isVariables(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}
