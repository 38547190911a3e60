import { useMutation, useQueryClient } from '@tanstack/react-query';
import { noteDone, noteRefused } from './notices.tsx';

interface Change<Input> {
  /** Asks for it; resolves once it is done. */
  ask: (input: Input) => Promise<unknown>;
  /** What was done, for people: `edge-1 is cordoned`. */
  done: (input: Input) => string;
  /** The list that shows it. */
  shownBy: readonly string[];
}

/** Something that is changed with a click: done or refused is said, and the list that shows it is read again. */
export function useChange<Input>({ ask, done, shownBy }: Change<Input>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ask,
    onSuccess: (_answer, input) => noteDone(done(input)),
    onError: (error) => noteRefused('That was refused', error),
    onSettled: () => queries.invalidateQueries({ queryKey: shownBy }),
  });
}
