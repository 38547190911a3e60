import type { Environment } from '../../config/setting-sources.ts';
import type { Settings } from '../../config/settings.ts';
import type { JoinedHost } from '../host/host-environment.ts';

export interface HostFinding {
  check: string;
  /** `note`: something to know that keeps no host from working. */
  verdict: 'good' | 'note' | 'bad';
  /** What was found. */
  found: string;
  /** What to do; empty unless it is bad. */
  todo: string;
}

/** A host that has joined, with the settings that its worker runs on. */
export interface JoinedComputer {
  host: JoinedHost;
  stateDir: string;
  env: Environment;
  settings: Settings;
}

export function good(check: string, found: string): HostFinding {
  return { check, verdict: 'good', found, todo: '' };
}

export function note(check: string, found: string): HostFinding {
  return { check, verdict: 'note', found, todo: '' };
}

export function bad(check: string, found: string, todo: string): HostFinding {
  return { check, verdict: 'bad', found, todo };
}
