import type { ReactNode } from 'react';

/** What a colour says; the word says it too. */
export type Tone = 'good' | 'busy' | 'warning' | 'bad' | 'quiet';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  );
}

const TONES: Record<string, Tone> = {
  ...{ running: 'good', ready: 'good', active: 'good', good: 'good', completed: 'good' },
  ...{ creating: 'busy', booting: 'busy', starting: 'busy', resuming: 'busy', pending: 'busy', onTrial: 'busy' },
  ...{ stopping: 'busy', suspending: 'busy', imaging: 'busy', deleting: 'busy' },
  ...{ draining: 'warning', destroying: 'warning', cordoned: 'warning', away: 'warning', dirty: 'warning' },
  ...{ failing: 'warning', expired: 'warning', heldBack: 'bad' },
  ...{ failed: 'bad', lost: 'bad', disabled: 'bad', revoked: 'bad', timedOut: 'bad', terminated: 'bad' },
};

/** A state of anything, as the API names it. */
export function StateBadge({ state }: { state: string }) {
  return <Badge tone={TONES[state] ?? 'quiet'}>{words(state)}</Badge>;
}

/** A name of the API as words: `firstConnectGrace` is `first connect grace`. */
export function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
