/** Who may see a port of a VM: by default whoever has a link for it. */
import type { VmPort } from '../../domain/gateway/vm-host-name.ts';
import { sessionOf } from '../../domain/vm/spec.ts';
import type { Vm } from '../../client/api-client.ts';
import type { LinkClaims } from '../../security/links/link-tokens.ts';
import { Refused, refusal } from '../refusal.ts';
import type { LinkKeys } from './link-keys.ts';

export interface Admission {
  /** What let the visitor in; absent where everybody may come in. */
  claims?: LinkClaims;
  /** Refuses a VM that the link is not for. @throws Refused. */
  admits: (vm: Vm) => void;
}

export const OPEN_TO_ALL: Admission = { admits: () => undefined };

/** @throws Refused unless one of the tokens is a link for this port of this VM. */
export async function admitByLink(
  keys: Pick<LinkKeys, 'verify'>,
  visited: VmPort,
  tokens: readonly string[],
): Promise<Admission> {
  if (tokens.length === 0) throw new Refused(refusal('linkNeeded'));
  let fault: 'linkRefused' | 'linkExpired' | 'linkRevoked' = 'linkRefused';
  for (const token of tokens) {
    const verdict = await keys.verify(visited.project, token);
    if ('fault' in verdict) {
      if (verdict.fault === 'expired') fault = 'linkExpired';
      if (verdict.fault === 'revoked') fault = 'linkRevoked';
      continue;
    }
    const { claims } = verdict;
    const { project, name, port } = claims;
    if (project !== visited.project || name !== visited.name || port !== visited.port) continue;
    return {
      claims,
      admits: (vm) => {
        if (!isFor(claims, vm)) throw new Refused(refusal('linkRefused'));
      },
    };
  }
  throw new Refused(refusal(fault));
}

/** Another life of the name is the same VM only where it goes on with the session of the one that the link was made for. */
function isFor({ uid, session }: LinkClaims, vm: Vm): boolean {
  if (vm.uid === uid) return true;
  if (session === undefined || vm.machineId === undefined) return false;
  return sessionOf({ machineId: vm.machineId, spec: { startFrom: vm.spec.startFrom } }) === session;
}
