/** Shapes of the files that machines of this host share. More fields than these are kept as they are. */
import { z } from 'zod';
import type { LocalMachineAddress, LocalMachineProcess } from '../../../domain/machine/local-machine.ts';
import { withOwner } from '../../../domain/machine/owner.ts';
import type { MachineLabels } from '../../../domain/machine/provider.ts';
import type { PortSpec } from '../../../domain/vm/spec.ts';
import { WRITTEN_LABELS } from '../../machine-labels.ts';

export const labelsSchema = z.looseObject(WRITTEN_LABELS).transform(withOwner) satisfies z.ZodType<MachineLabels>;

export const portsSchema = z.array(
  z.looseObject({ name: z.string(), port: z.int().min(1).max(65_535), protocol: z.enum(['tcp', 'udp']) }),
) satisfies z.ZodType<PortSpec[]>;

export const processSchema = z.looseObject({
  pid: z.int().min(2),
  startedAt: z.string(),
}) satisfies z.ZodType<LocalMachineProcess>;

export const addressSchema = z.looseObject({
  ip: z.string(),
  ports: portsSchema,
}) satisfies z.ZodType<LocalMachineAddress>;
