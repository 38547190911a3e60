/** What a state of a VM means for its visitors. */
import type { Vm } from '../../client/api-client.ts';
import { Refused, refusal } from '../refusal.ts';

/** Where a port of a VM answers. */
export interface PortAddress {
  ip: string;
  port: number;
}

/** `open`: dial it. `wake`: it is there once the API has done that. `leaving`: look again. */
export type Passage =
  { kind: 'open'; address: PortAddress } | { kind: 'wake'; how: 'start' | 'reopen' } | { kind: 'leaving' };

/** @throws Refused for a port that its spec does not name, and for a VM that is no more. */
export function passageTo(vm: Vm, port: number): Passage {
  const isOurs = (one: { port: number; protocol: string }): boolean => one.port === port && one.protocol === 'tcp';
  const hasEnded = vm.state === 'destroyed' || vm.state === 'failed';
  if (hasEnded && vm.reason !== 'closed') throw new Refused(refusal('unknownVm'));
  if (!vm.spec.ports.some(isOurs)) throw new Refused(refusal('unknownPort'));
  if (hasEnded) return { kind: 'wake', how: 'reopen' };
  const isServing = vm.state === 'running' || vm.state === 'draining';
  if (isServing && vm.address?.ports.some(isOurs) === true) {
    return { kind: 'open', address: { ip: vm.address.ip, port } };
  }
  if (isServing) throw new Refused(refusal('unknownPort', 'Its machine has no address for this port.'));
  // One that is being closed is reopened when that is over, and one whose machine is replaced starts by itself.
  if (vm.state === 'destroying' || vm.pendingImage?.closes === true) return { kind: 'leaving' };
  return { kind: 'wake', how: 'start' };
}
