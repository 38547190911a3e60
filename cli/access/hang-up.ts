/** `Enter ~ .` hangs up, as in ssh: the way out when the other side does not answer. */

/** What was typed last. */
export type Typed = 'line start' | 'tilde' | 'within a line';

export function hangsUp(before: Typed, text: string): { after: Typed; isOver: boolean } {
  let typed = before;
  for (const character of text) {
    if (typed === 'tilde' && character === '.') return { after: typed, isOver: true };
    if (character === '\r' || character === '\n') typed = 'line start';
    else typed = typed === 'line start' && character === '~' ? 'tilde' : 'within a line';
  }
  return { after: typed, isOver: false };
}
