import type { HttpReport } from '../../domain/agent/protocol.ts';
import { EMPTY_END_REASON } from '../../domain/vm/deadlines.ts';
import type { VmView } from '../../domain/vm/view.ts';

/** A feed that works is a second old; what was forwarded longer ago than this should be in the view. */
const LATE_MS = 5000;

/** Looks past the view, of one machine and of all together: a late feed must not become a flood of questions. */
export const DIRECT_LOOKS = { ofMachine: { burst: 1, perSecond: 1 / 3 }, ofAll: { burst: 100, perSecond: 50 } };

/**
 * Whether the view of a replica may be too old to show the question that an empty VM's end waits for: its feed is late,
 * or shows somebody where the 0 was forwarded, or an end that is due and not asked about. Then Temporal is asked.
 */
export function mayHideQuestion(
  { connections, forwarded }: Pick<HttpReport, 'connections' | 'forwarded'>,
  view: VmView,
  { feedAgeMs, now }: { feedAgeMs: number; now: number },
): boolean {
  if (connections > 0 || (view.state !== 'running' && view.state !== 'draining')) return false;
  if (feedAgeMs > LATE_MS) return true;
  if (view.aliveBecause === 'confirming') return false;
  if (forwarded?.connections === 0 && forwarded.ageMs > LATE_MS && (view.connections ?? 0) > 0) return true;
  const due = view.nextDeadline;
  return due !== undefined && due.kind in EMPTY_END_REASON && Date.parse(due.at) + LATE_MS / 2 < now;
}
