/** Which machine of a pool a claim gets. Claims come in batches, and again when a reply was lost. */

/** A machine that was given to a claim; kept for a while, so that the same claim gets the same answer. */
export interface Grant {
  /** Id that the caller made up for its claim. */
  request: string;
  machineId: string;
  /** Epoch ms. */
  at: number;
}

export interface Claimable {
  /** Machines that wait, the oldest first. */
  ready: readonly string[];
  /** The oldest first. */
  grants: readonly Grant[];
}

/** Answers that a pool remembers. A claim that is repeated later gets another machine, and the first goes unasked for. */
export const GRANTS_KEPT = 1000;

/** The grant of each request in order, null where no machine is left, and what remains. A repeat gets its grant again. */
export function grantClaims(
  { ready, grants }: Claimable,
  requests: readonly string[],
  at: number,
): Claimable & { granted: (Grant | null)[]; fresh: Grant[] } {
  const left = [...ready];
  const known = new Map(grants.map((grant) => [grant.request, grant]));
  const fresh: Grant[] = [];
  const granted = requests.map((request) => {
    const before = known.get(request);
    if (before !== undefined) return before;
    const machineId = left.shift();
    if (machineId === undefined) return null;
    const grant: Grant = { request, machineId, at };
    known.set(request, grant);
    fresh.push(grant);
    return grant;
  });
  return { ready: left, grants: [...grants, ...fresh].slice(-GRANTS_KEPT), granted, fresh };
}
