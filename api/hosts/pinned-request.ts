/** A short question to the internal endpoint of a host. */
import { boundedBody } from '../../lib/network/bounded-body.ts';
import { withPinnedAnswer, type PinnedRequest } from '../../security/hosts/pinned-connection.ts';

/** A host shows the last 64 KiB of a console; one that sends more may be anybody's now, and gets no memory of ours. */
const MAX_ANSWER_BYTES = 256 * 1024;

export interface PinnedAnswer {
  status: number;
  body: Buffer;
}

/** @throws OtherKey, or the system's error. */
export function pinnedAnswer(request: PinnedRequest): Promise<PinnedAnswer> {
  return withPinnedAnswer(request, async (answer) => {
    const tooLong = `the answer is longer than ${MAX_ANSWER_BYTES} bytes`;
    return { status: answer.statusCode ?? 0, body: await boundedBody(answer, MAX_ANSWER_BYTES, tooLong) };
  });
}
