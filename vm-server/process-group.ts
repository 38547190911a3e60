import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a startup script left in the background ends with this process, where that is the leader of its group. */
export function endGroupAtExit(): void {
  if (!leadsItsGroup()) return;
  process.on('exit', () => process.kill(-process.pid, 'SIGKILL'));
}

/**
 * The same also when this process is killed: a shell in the group waits for the end of a pipe that only this process holds.
 * It is there before anything that has to end.
 */
export function endGroupWithThisProcess(): void {
  if (!leadsItsGroup()) return;
  const watch = spawn('/bin/sh', ['-c', 'read -r _; kill -s KILL -- "-$1"', 'end-group', `${process.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  // Without it the group is ended by everything but a kill -9.
  watch.on('error', () => undefined);
  watch.stdin.on('error', () => undefined);
  watch.unref();
}

/** SIGTERM for all others of the group, where this process leads one. False where it does not. */
export function tellGroupToEnd(): boolean {
  if (!leadsItsGroup()) return false;
  // It is told too, and is ending already.
  process.removeAllListeners('SIGTERM');
  process.on('SIGTERM', () => undefined);
  process.kill(-process.pid, 'SIGTERM');
  return true;
}

function leadsItsGroup(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // After the name in brackets come the state, the parent and the group.
    const [, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(group) === process.pid;
  } catch {
    return false;
  }
}
