import { readdirSync, readFileSync } from 'node:fs';

/** Kills every process of a session, by what the kernel says of it now; those that began one of their own are not of it. */
export function killSession(session: number): void {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || sessionOf(name) !== session) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

function sessionOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it is in brackets and may hold anything.
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(session);
  } catch {
    return undefined;
  }
}
