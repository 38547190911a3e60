/** What a cloud's server says about the machine it is, as JSON wherever its cloud has room for that. */
import { z } from 'zod';
import { machineLabels, withOwner } from '../../domain/machine/owner.ts';
import type { CreateMachineRequest, MachineLabels } from '../../domain/machine/provider.ts';
import type { PortSpec } from '../../domain/vm/spec.ts';
import { WRITTEN_LABELS } from '../machine-labels.ts';

const labelsSchema = z.object(WRITTEN_LABELS).transform(withOwner);
const recordSchema = z.object({
  labels: labelsSchema,
  ports: z.array(z.object({ name: z.string(), port: z.number(), protocol: z.enum(['tcp', 'udp']) })),
  externalIp: z.boolean(),
  awaitsAssignment: z.boolean().optional(),
  startSignature: z.string().optional(),
  madeFor: z.string().optional(),
});

export interface MachineRecord {
  labels: MachineLabels;
  ports: PortSpec[];
  externalIp: boolean;
  /** The machine has sealed input: its app starts once its agent has its assignment. */
  awaitsAssignment?: boolean | undefined;
  /** Of the start that the machine was made for; only where it has sealed input. */
  startSignature?: string | undefined;
  /** Of one that waits in a pool: by which VMs it may be adopted, once. */
  madeFor?: string | undefined;
}

/** The record in a text, or undefined when it is none of ours. */
export function parseMachineRecord(text: string): MachineRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The record that the machine of a request begins with. */
export function recordOfRequest(request: CreateMachineRequest, deployment: string): MachineRecord {
  const { spec, machineId, owner, uid, startSignature, madeFor } = request;
  return {
    labels: machineLabels({ deployment, machineId, owner, uid }),
    ports: spec.ports,
    externalIp: spec.externalIp,
    ...(spec.sealed === undefined ? {} : { awaitsAssignment: true, startSignature }),
    ...(madeFor === undefined ? {} : { madeFor }),
  };
}
