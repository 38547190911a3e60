/**
 * The start time of a process as its system tells it: with the pid it names one process, so that a reused pid
 * is not mistaken for it. The texts are compared as they are and mean nothing else. `vm-server` writes its own
 * into process.json and `providers/host` reads it there; both read the system with what is agreed here.
 */

/** Field 22 of `/proc/<pid>/stat` (clock ticks since boot), or undefined when the text is none. */
export function parseProcStatStartTime(stat: string): string | undefined {
  // The name in parentheses may itself hold blanks and parentheses; the fields after it start with number 3.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  const startTicks = fields[22 - 3];
  return startTicks !== undefined && /^\d+$/.test(startTicks) ? startTicks : undefined;
}

/** What to give `ps` (with `LC_ALL=C`) where there is no /proc. */
export function psStartTimeArguments(pid: number): string[] {
  return ['-o', 'lstart=', '-p', String(pid)];
}

/** The start time in the output of `ps` with {@link psStartTimeArguments}, or undefined when there is no process. */
export function parsePsStartTime(output: string): string | undefined {
  const text = output.trim().replace(/\s+/g, ' ');
  return text === '' ? undefined : text;
}
