/**
 * Whether anything makes machines of a cloud, by what a replica of the API sees of it: which workers ask for its creates, and
 * what becomes of those. Nobody keeps this: a replica that starts begins with nothing, and refuses nothing.
 */
import type { ProviderErrorCode } from '../machine/error-codes.ts';

/** Workers that restart are away for some seconds, and all polls are new after an outage of Temporal: creates wait for those. */
const AWAY_MS = 15_000;
/** A poll is renewed each minute, so a worker of which no new one is seen for longer is gone. */
const POLL_MS = 90_000;
/** So many creates that the cloud refuses, each in so many tries, are no chance. */
const REFUSED_CREATES = 3;
const REFUSED_TRIES = 4;
/** What a cloud answers nobody with while it works; what a spec or a quota is to blame for is not in here. */
const REFUSAL: ProviderErrorCode = 'backendUnavailable';

/** A create that is under way, as Temporal shows it. Times are epoch ms. */
export interface PendingCreate {
  project: string;
  zones: readonly string[];
  /** Tries that failed; when, and with what, the last one did. */
  failed: number;
  failedAt: number;
  code: string | undefined;
  /** When the cloud last made a machine in these zones, for anybody; null where it made none that is known. */
  madeAt: number | null;
}

/** One look at a cloud. */
export interface CloudLook {
  at: number;
  /** When workers polled its queues last, by Temporal's clock. */
  polls: readonly number[];
  /** Those of the creates under way that were {@link lookedAt}. */
  creates: readonly PendingCreate[];
}

/** The last look, with the latest poll of all looks and since when there was no later one, by the clock of the replica. */
export interface CloudWatch extends CloudLook {
  latestPoll: number | null;
  since: number;
}

/** What is known after another look. Time in which nobody looked counts for nothing. */
export function nextCloudWatch(watch: CloudWatch | undefined, look: CloudLook): CloudWatch {
  const latestPoll = look.polls.length === 0 ? null : Math.max(...look.polls);
  const isSame = watch?.latestPoll === latestPoll && look.at - watch.at <= AWAY_MS;
  return { ...look, latestPoll, since: isSame ? watch.since : look.at };
}

/** `handsOver`: a machine that waits in a pool may be had all the same. */
export interface CloudDown {
  text: string;
  handsOver: boolean;
}

/** The oldest creates of each project, `most` in all: as many of one as of any other, so that no caller hides what others get. */
export function lookedAt<Create extends { project: string; askedAt: number }>(
  creates: readonly Create[],
  most: number,
): Create[] {
  const older = new Map<string, number>();
  const ranked = [...creates]
    .sort((a, b) => a.askedAt - b.askedAt)
    .map((create) => {
      const rank = older.get(create.project) ?? 0;
      older.set(create.project, rank + 1);
      return { create, rank };
    });
  const fair = ranked.sort((a, b) => a.rank - b.rank).slice(0, most);
  return fair.map(({ create }) => create);
}

/** Why no create of the project in these zones would get a machine now; undefined where one may, or nobody has looked lately. */
export function cloudDown(
  watch: CloudWatch | undefined,
  { provider, zones, project }: { provider: string; zones: readonly string[]; project: string },
  at: number,
): CloudDown | undefined {
  if (watch === undefined || at - watch.at > AWAY_MS) return undefined;
  const { latestPoll, since } = watch;
  const seconds = Math.round((watch.at - since) / 1000);
  if (watch.at - since > (latestPoll === null ? AWAY_MS : POLL_MS)) {
    return { text: `No worker has asked for creates of ${provider} for ${seconds} s`, handsOver: false };
  }
  const refused = refusedCreates(watch, zones);
  if (weightFor(project, refused) < REFUSED_CREATES) return undefined;
  const where = zones.length === 0 ? '' : ` in ${zones.join(', ')}`;
  const text = `${provider} refuses every create${where} (${REFUSAL}), and ${refused.length} wait until it works again`;
  return { text, handsOver: true };
}

/** Of the zones alone: others may work. A try that failed before a machine was made there says nothing of the cloud as it is now. */
function refusedCreates({ creates }: CloudWatch, zones: readonly string[]): PendingCreate[] {
  const there = creates.filter((create) => create.zones.join() === zones.join());
  return there.filter(
    ({ code, failed, failedAt, madeAt }) =>
      code === REFUSAL && failed >= REFUSED_TRIES && (madeAt === null || failedAt > madeAt),
  );
}

/** Another project counts once, however much it asks for: a cloud may answer so to what one caller alone has in its specs. */
function weightFor(project: string, refused: readonly PendingCreate[]): number {
  const own = refused.filter((create) => create.project === project).length;
  return own + new Set(refused.map((create) => create.project)).size - Math.min(own, 1);
}
