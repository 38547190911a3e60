/** What each party of the handover does when it hears something, by the rules that the workflows run. */
import { isWarmOver, type AdoptionEvent, type WarmEvent } from '../../domain/pool/handover.ts';
import { Violation } from '../exploration.ts';
import { NOTHING, type Rules } from './rules.ts';
import { askerOf, BOTH, indexOf, MACHINE, type Index, type Message, type State } from './state.ts';

export function isWarmClosed({ warm, terminated }: State): boolean {
  return terminated || isWarmOver(warm);
}

export function isVmClosed({ vms }: State, of: Index): boolean {
  const vm = vms[of];
  return vm === null || vm.life === 'closed';
}

/** Something happens to the warm machine's workflow; what is closed hears nothing. */
export function tellWarm(state: State, event: WarmEvent, rules: Rules): void {
  if (isWarmClosed(state)) return;
  const { warm, reply } = rules.nextWarm(state.warm, event);
  state.warm = warm;
  if (reply === null) return;
  state.messages.push({ kind: reply.machine === null ? 'refused' : 'offered', of: indexOf(reply.to) });
}

export function tellVm(state: State, of: Index, event: AdoptionEvent, rules: Rules): void {
  const vm = state.vms[of];
  if (vm === null || vm.life === 'closed' || vm.adoption === null) return;
  const { adoption, tell } = rules.nextAdoption(vm.adoption, event);
  vm.adoption = adoption;
  if (tell !== null) state.messages.push({ kind: tell, of });
}

/** The API starts the VM of a request, with the machine that was granted or without; one that is there is the answer. */
export function startVm(state: State, of: Index, machineId: string | null): void {
  state.requests[of] = 'answered';
  if (state.vms[of] !== null) return;
  state.vms[of] = { adoption: machineId === null ? null : { name: 'asking' }, life: 'runs', serves: 'no' };
  if (machineId !== null) state.messages.push({ kind: 'asked', of });
}

export function deliver(state: State, { of, ...message }: Message, rules: Rules): void {
  const by = askerOf(of);
  switch (message.kind) {
    case 'claim':
      claim(state, of, rules);
      return;
    case 'grant':
      if (state.requests[of] !== 'claiming') return;
      if (message.machineId !== null || rules.apiFallsBack) startVm(state, of, message.machineId);
      return;
    case 'granted':
      tellWarm(state, { kind: 'granted', request: String(of), until: 0 }, rules);
      return;
    case 'asked':
      if (isWarmClosed(state)) tellVm(state, of, { kind: 'unreachable' }, rules);
      else tellWarm(state, { kind: 'asked', by }, rules);
      return;
    case 'offered':
      if (isVmClosed(state, of)) tellWarm(state, { kind: 'askerClosed', by }, rules);
      else tellVm(state, of, { kind: 'offered', machine: MACHINE }, rules);
      return;
    case 'refused':
      tellVm(state, of, { kind: 'refused' }, rules);
      return;
    case 'taken':
    case 'returned':
      tellWarm(state, { kind: message.kind, by }, rules);
      return;
  }
}

function claim(state: State, of: Index, rules: Rules): void {
  const { ready, grants, granted, fresh } = rules.grantClaims(state.pool, [String(of)], 0);
  state.pool = { ready, grants };
  state.messages.push({ kind: 'grant', of, machineId: granted[0]?.machineId ?? null });
  for (const { request } of fresh) state.messages.push({ kind: 'granted', of: Number(request) as Index });
}

/** The machine goes, by whose hand ever. */
export function destroy(state: State, by: string): void {
  const user = BOTH.find((of) => state.vms[of]?.life === 'runs' && state.vms[of].adoption?.name === 'taken');
  if (user !== undefined && state.machine !== null) throw new Violation(`${by} destroys the machine that v${user} has`);
  state.machine = null;
}

/** Drops what can have no effect any more, so that states that only differ in their past are the same. */
export function forget(state: State): void {
  const isClosed = isWarmClosed(state);
  state.messages = state.messages.filter(({ kind, of }) => {
    if (kind === 'grant') return state.requests[of] === 'claiming';
    if (kind === 'granted' || kind === 'taken' || kind === 'returned') return !isClosed;
    if (kind === 'refused') return state.vms[of]?.life === 'runs';
    return kind !== 'offered' || !isClosed || !isVmClosed(state, of);
  });
  if (state.machine !== null) return;
  state.sweeping = null;
  // With the machine gone and its workflow closed nothing that goes wrong makes a difference.
  if (isClosed && state.attempts.length === 0) state.left = NOTHING;
}

/** What must hold in every state. */
export function check({ vms, machine }: State): void {
  const have = BOTH.filter((of) => vms[of]?.life === 'runs' && vms[of].adoption?.name === 'taken');
  if (have.length > 1) throw new Violation('two VMs have one machine');
  for (const of of have) {
    if (machine?.owner !== of) throw new Violation(`v${of} has a machine that its host does not know as its own`);
  }
}
