import type { VmStateName } from './state.ts';

/** The states that allow each action; shared by the API, the CLI and every page. */
const ALLOWED_STATES = {
  destroy: [
    ...['creating', 'booting', 'running', 'draining', 'stopping', 'stopped', 'imaging', 'starting'],
    ...['suspending', 'suspended', 'resuming', 'destroying', 'destroyed', 'failed'],
  ],
  stop: [
    ...['booting', 'running', 'draining', 'stopping', 'stopped', 'imaging', 'starting'],
    ...['suspending', 'suspended', 'resuming'],
  ],
  start: [
    ...['creating', 'booting', 'running', 'draining', 'stopping', 'stopped', 'imaging', 'starting'],
    ...['suspending', 'suspended', 'resuming'],
  ],
  suspend: ['running', 'draining', 'suspending', 'suspended', 'resuming'],
  resume: ['creating', 'booting', 'running', 'draining', 'suspending', 'suspended', 'resuming'],
  close: ['booting', 'running', 'draining', 'stopping', 'stopped', 'imaging', 'starting'],
  snapshot: ['running', 'draining', 'stopping', 'stopped'],
  drain: ['creating', 'booting', 'running', 'draining'],
  undrain: ['running', 'draining'],
  setConnections: ['creating', 'booting', 'running', 'draining'],
  hold: ['creating', 'booting', 'running', 'draining'],
} as const satisfies Record<string, readonly VmStateName[]>;

/** The states in which a person has a reason for it: without repeats, and without what another action says plainer. */
const OFFERED_STATES = {
  drain: ['creating', 'booting', 'running'],
  undrain: ['draining'],
  hold: ['booting', 'running', 'draining'],
  setConnections: ['running', 'draining'],
  stop: ['running', 'draining', 'suspended'],
  start: ['stopped'],
  suspend: ['running', 'draining'],
  resume: ['suspended'],
  snapshot: ['running', 'draining', 'stopped'],
  close: ['running', 'draining', 'stopped'],
  destroy: [
    ...['creating', 'booting', 'running', 'draining', 'stopping', 'stopped', 'imaging', 'starting'],
    ...['suspending', 'suspended', 'resuming'],
  ],
} as const satisfies Record<keyof typeof ALLOWED_STATES, readonly VmStateName[]>;

export type VmAction = keyof typeof ALLOWED_STATES;
export const VM_ACTIONS = Object.keys(ALLOWED_STATES) as VmAction[];

/** The states in which an action is allowed, for error texts. */
export function statesThatAllow(action: VmAction): readonly VmStateName[] {
  return ALLOWED_STATES[action];
}

/** What to offer to a person who looks at a VM in this state. Each of it is allowed there. */
export function offeredActions(state: VmStateName): VmAction[] {
  return (Object.keys(OFFERED_STATES) as VmAction[]).filter((action) =>
    (OFFERED_STATES[action] as readonly VmStateName[]).includes(state),
  );
}

/** `vmCan.drain('running')`: whether the action makes sense in a state. Repeating an action is always fine. */
export const vmCan = Object.fromEntries(
  VM_ACTIONS.map((action) => [
    action,
    (state: VmStateName): boolean => (ALLOWED_STATES[action] as readonly VmStateName[]).includes(state),
  ]),
) as Record<VmAction, (state: VmStateName) => boolean>;
