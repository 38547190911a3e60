/** What the system says of a file, a directory or a process that is not there. Any other error leaves it unknown. */
const ABSENT = new Set<unknown>(['ENOENT', 'ENOTDIR', 'ESRCH']);

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ABSENT.has(error.code);
}

/** What `asking` found; undefined when it is not there. Rejects where that is unknown. */
export async function unlessAbsent<Found>(asking: Promise<Found>): Promise<Found | undefined> {
  return asking.catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
}
