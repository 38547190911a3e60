import { readFileSync } from 'node:fs';

/** What a startup script left in the background ends with this process, where that is the leader of its group. */
export function endGroupAtExit(): void {
  if (!leadsItsGroup()) return;
  process.on('exit', () => process.kill(-process.pid, 'SIGKILL'));
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
