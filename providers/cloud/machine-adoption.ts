import { machineLabels } from '../../domain/machine/owner.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { CancelSignal, Machine, MachineAdoption } from '../../domain/machine/provider.ts';
import { pause } from './api-calls.ts';
import { ended, firstOf, isFailure, machineOf, withMappedErrors } from './cloud-machine.ts';
import { ongoing, type CloudParts } from './cloud-parts.ts';
import type { MachineRecord } from './machine-record.ts';

const MAX_TRIES = 8;

/**
 * Gives a machine another owner. Whose it is stands in its record, which changes in one step together with what its agent proves
 * itself with; the record is read back, because not every cloud refuses the second of two changes.
 */
export class CloudMachineAdoptions {
  private readonly parts: CloudParts;

  constructor(parts: CloudParts) {
    this.parts = parts;
  }

  async adopt(adoption: MachineAdoption, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    const { machineId, to, uid, startSignature, spec, agentBootstrap } = adoption;
    this.parts.cloud.check({ machineId, owner: to, uid, startSignature, spec, agentBootstrap });
    return withMappedErrors(`adopt ${machineId}`, () =>
      this.parts.inTurn.run(machineId, signal, () => this.reach(adoption, signal)),
    );
  }

  private async reach(adoption: MachineAdoption, signal: CancelSignal): Promise<Machine> {
    const { cloud, deployment, pollMs } = this.parts;
    const { machineId, spec, agentBootstrap } = adoption;
    for (let attempt = 1; ; attempt++) {
      const server = firstOf(await this.parts.cloud.find(machineId, ongoing(signal)));
      const machine = server === undefined ? undefined : machineOf(cloud.name, server);
      if (server === undefined || machine === undefined || machine.status === 'ended') {
        throw ended(machineId, 'does not run any more');
      }
      const record = adoptedRecord(server.record, adoption, deployment);
      if (record === null) return machine;
      const secret = agentBootstrap === null ? {} : { secret: agentBootstrap.secret };
      try {
        await cloud.change(server, { record, spec, ...secret }, ongoing(signal));
      } catch (error) {
        if (isFailure(error, 'notFound')) throw ended(machineId, 'does not run any more');
        if (!isFailure(error, 'fingerprint', 'notReady') || attempt >= MAX_TRIES) throw error;
      }
      // Who changed it at the same moment has done so by now.
      await pause(pollMs / 2, signal);
    }
  }
}

/** The record of the new owner, null where it is that already. Errors: `notSigned` where it is a third one's, or made for others. */
function adoptedRecord(
  record: MachineRecord,
  { machineId, from, to, uid, startSignature, madeFor }: MachineAdoption,
  deployment: string,
): MachineRecord | null {
  const { owner } = record.labels;
  if (owner === to && record.startSignature === startSignature) return null;
  if (owner !== from) throw notSigned(`${machineId} is a machine of ${owner}, not of ${from}`);
  if (record.madeFor !== madeFor) throw notSigned(`${machineId} was not made for a VM as ${to} is`);
  // Once: nobody adopts it from this owner.
  const labels = machineLabels({ deployment, machineId, owner: to, uid });
  return { ...record, madeFor: undefined, startSignature, labels };
}

function notSigned(why: string): ProviderError {
  return new ProviderError('notSigned', `notSigned: ${why}`);
}
