/** Secrets leave the API over TLS, or to this computer itself, and in no other way. */
import type { Settings } from '../../config/settings.ts';
import type { HttpReport } from '../../domain/agent/protocol.ts';
import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import { isOwnAddress } from '../../lib/network/loopback.ts';
import { goesInClear } from '../../lib/network/plain-url.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { descriptorOf, ownSettings } from '../../providers/lookup.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import type { AssignmentAnswer } from './sealed-assignment.ts';

const INSECURE: ProviderErrorCode = 'insecureTransport';

/**
 * True when an answer on a connection from `remoteAddress` could be read on its way. Where the API speaks no TLS itself
 * and its address is https://, something in front of it does, and all that reaches it came through that.
 */
export function isPlainConnection({ url, tls }: Settings['api'], remoteAddress: string): boolean {
  return tls === null && !url.startsWith('https://') && !isOwnAddress(remoteAddress);
}

/**
 * Refuses a create whose secrets would have to go to its machine in plain text.
 * @throws ApiProblem `insecureTransport`
 */
export function refusePlainDelivery({ sealed, provider }: VmSpec, settings: Settings): void {
  if (sealed === undefined) return;
  const descriptor = descriptorOf(provider);
  const { agentIdentity } = descriptor;
  const own = ownSettings(settings, descriptor);
  const programUrl = agentIdentity.programUrl?.(own) ?? null;
  // An attacker who changes the program on its way to the machine gets what the program gets.
  const urls = [settings.api.url, ...(programUrl === null ? [] : [programUrl])];
  const clear = urls.find(goesInClear);
  if (agentIdentity.link(own) === 'channel' || clear === undefined) return;
  throw new ApiProblem('insecureTransport', `Machines of ${provider} get their secrets by way of ${clear}`);
}

/** The answer to a report for whose machine there are secrets, over a connection that must not carry them. */
export function plainAnswer(
  api: Settings['api'],
  remoteAddress: string,
  { spec, readyAt }: VmView,
  { assigned }: Pick<HttpReport, 'assigned'>,
): AssignmentAnswer | undefined {
  if (spec.sealed === undefined || assigned !== undefined || !isPlainConnection(api, remoteAddress)) return undefined;
  if (readyAt !== undefined) return { kind: 'nothing' };
  return { kind: 'failed', failure: `${INSECURE}: the machine asks for its secrets over plain HTTP` };
}
