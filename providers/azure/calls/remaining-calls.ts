/**
 * What Azure says is left of its limits. Each answer carries how many calls of its kind may follow now; where few are left,
 * what can wait is held back for a moment, so that destroys are not refused because of creates.
 */

export const REMAINING_POLICY = 'ephemera-remaining-calls';

const HEADERS = [
  'x-ms-ratelimit-remaining-subscription-reads',
  'x-ms-ratelimit-remaining-subscription-writes',
  'x-ms-ratelimit-remaining-subscription-deletes',
  'x-ms-ratelimit-remaining-resource',
] as const;

/** With fewer left than this it is time to slow down. */
const FEW = 10;
/** Resource Manager refills ten calls a second. */
const HOLD_MS = 1000;

export class RemainingCalls {
  private heldUntil = 0;
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** `header`: of an answer, by its name. */
  note(header: (name: string) => string | undefined): void {
    for (const name of HEADERS) {
      const text = header(name);
      if (text !== undefined && leastOf(text) < FEW) this.heldUntil = this.now() + HOLD_MS;
    }
  }

  /** How long a call that can wait should wait now. */
  pauseMs(): number {
    return Math.max(0, this.heldUntil - this.now());
  }
}

/** `42`, or `Microsoft.Compute/PutVM3Min;237,Microsoft.Compute/PutVM30Min;1197`. */
function leastOf(text: string): number {
  const counts = text.split(',').map((part) => Number(part.split(';').at(-1)));
  return Math.min(...counts.filter((count) => Number.isFinite(count)));
}
