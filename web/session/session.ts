/** Who is signed in. The page keeps its half of the session; the other half is a cookie that it cannot read. */
import { useSyncExternalStore } from 'react';
import type { components } from '../../client/api-types.ts';

export type Session = components['schemas']['SignedIn'];
export type Role = Session['role'];

const PLACE = 'ephemera-session';
const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

interface SessionState {
  session: Session | null;
  /** Why nobody is signed in any more, for people; null: nobody was, or signed out. */
  ended: string | null;
}

let state: SessionState = { session: stored(), ended: null };
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Another tab signed in or out.
window.addEventListener('storage', ({ key }) => {
  if (key === PLACE || key === null) change({ session: stored(), ended: null });
});

function change(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

function stored(): Session | null {
  try {
    const text = localStorage.getItem(PLACE);
    return text === null ? null : (JSON.parse(text) as Session);
  } catch {
    return null;
  }
}

export function currentSession(): Session | null {
  return state.session;
}

export function keepSession(session: Session): void {
  localStorage.setItem(PLACE, JSON.stringify(session));
  change({ session, ended: null });
}

/** @param why for people; null: they signed out themselves. */
export function endSession(why: string | null): void {
  localStorage.removeItem(PLACE);
  change({ session: null, ended: why });
}

export function useSessionState(): SessionState {
  return useSyncExternalStore(subscribe, () => state);
}

/** Whether who is signed in may do what needs this role: what they may not is not offered. */
export function useMay(needed: Role): boolean {
  const { session } = useSessionState();
  return session !== null && RANK[session.role] >= RANK[needed];
}
