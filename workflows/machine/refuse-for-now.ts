import { ApplicationFailure } from '@temporalio/workflow';
import { INSTANCE_UNKNOWN_YET } from '../../domain/machine/proven-instance.ts';
import type { ExchangeRequest } from '../messages.ts';

/** Puts an exchange off, by a failure, while nobody knows yet which instance of its cloud the machine of this owner is. */
export function refuseForNow(owner: { state: string; machineId: string }, request: ExchangeRequest): void {
  if (owner.state !== 'creating' || request.machineId !== owner.machineId || request.instanceId === undefined) return;
  const message = 'which instance the machine is will be known once its create call returns: ask again';
  throw ApplicationFailure.nonRetryable(message, INSTANCE_UNKNOWN_YET);
}
