/** What a link carries of streams beside its reports (docs/decisions/0079-streams-through-the-agent-link.md). */

/** Streams of one machine at a time; one more is refused. */
export const STREAMS_PER_LINK = 100;

/** The most bytes in one frame: what waits behind it waits that little. */
export const FRAME_BYTES = 16 * 1024;

/** What a link holds of unread data in each direction, shared by its streams. */
const LINK_WINDOW_BYTES = 4 * 1024 * 1024;
const LEAST_WINDOW_BYTES = 32 * 1024;
const MOST_WINDOW_BYTES = 512 * 1024;

/** A stream on which nothing moves for so long is ended. */
export const STREAM_IDLE_SECONDS = 3600;

/** How many bytes a stream may have under way, unread, while so many streams are open on its link. */
export function windowFor(openStreams: number): number {
  const share = Math.floor(LINK_WINDOW_BYTES / Math.max(1, openStreams));
  return Math.min(MOST_WINDOW_BYTES, Math.max(LEAST_WINDOW_BYTES, share));
}
