import { join } from 'node:path';
import { z } from 'zod';
import { LOCAL_MACHINE_FILE, type LocalManifest } from '../../domain/machine/local-machine.ts';
import { readChecked } from '../host/files/checked-file.ts';
import { labelsSchema, portsSchema } from '../host/files/machine-schemas.ts';

const manifestSchema = z.looseObject({
  labels: labelsSchema,
  createdAt: z.number(),
  host: z.string(),
  size: z.looseObject({ cpus: z.number(), memoryMb: z.number(), diskGb: z.number() }).exactOptional(),
  ports: portsSchema,
  env: z.record(z.string(), z.string()),
  program: z.looseObject({ directory: z.string() }).exactOptional(),
  addresses: z.array(z.string()).exactOptional(),
  startSignature: z.string().exactOptional(),
  madeFor: z.string().exactOptional(),
  awaitsAssignment: z.boolean().exactOptional(),
  tombstonePath: z.string(),
  link: z.discriminatedUnion('kind', [
    z.looseObject({ kind: z.literal('unix'), socketPath: z.string() }),
    z.looseObject({ kind: z.literal('http'), apiUrl: z.string() }),
  ]),
}) satisfies z.ZodType<LocalManifest>;

/** What the machine in `dir` is made from; undefined when nobody wrote it. Errors: `hostFailure`. */
export async function readManifest(dir: string): Promise<LocalManifest | undefined> {
  return readChecked(join(dir, LOCAL_MACHINE_FILE.manifest), manifestSchema);
}
