/** What was done, and what was refused, for a few seconds at the edge of the page. */
import { Notification, Stack } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { explained } from '../api/api.ts';

const SHOWN_MS = 8000;
const AT_ONCE = 4;

interface Notice {
  id: number;
  kind: 'done' | 'refused';
  title: string;
  detail?: string;
}

let notices: readonly Notice[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

function add(notice: Omit<Notice, 'id'>): void {
  const id = (lastId += 1);
  change([...notices, { ...notice, id }].slice(-AT_ONCE));
  setTimeout(() => dismiss(id), SHOWN_MS);
}

function dismiss(id: number): void {
  change(notices.filter((notice) => notice.id !== id));
}

export function noteDone(title: string): void {
  add({ kind: 'done', title });
}

export function noteRefused(what: string, error: unknown): void {
  const { title, detail } = explained(error);
  add({ kind: 'refused', title: what, detail: `${title}. ${detail}` });
}

export function Notices() {
  const shown = useSyncExternalStore(subscribe, () => notices);
  return (
    <Stack className="notices" role="status" aria-live="polite" gap="xs">
      {shown.map(({ id, kind, title, detail }) => (
        <Notification
          key={id}
          withBorder
          color={kind === 'done' ? 'green' : 'red'}
          title={title}
          onClose={() => dismiss(id)}
          closeButtonProps={{ 'aria-label': 'Close this message' }}
        >
          {detail}
        </Notification>
      ))}
    </Stack>
  );
}
