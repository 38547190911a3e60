import { z } from 'zod';

/** A day: whoever got the link in the morning comes back in the evening. */
export const DEFAULT_LINK_SECONDS = 24 * 3600;
/** As long as Temporal keeps what became of a VM. */
export const MAX_LINK_SECONDS = 30 * 24 * 3600;

export const linkBodySchema = z
  .strictObject({
    port: z.int().min(1).max(65_535).describe('A TCP port of the VM.'),
    expiresInSeconds: z
      .int()
      .min(1)
      .max(MAX_LINK_SECONDS)
      .optional()
      .describe(`For how long it opens the VM. Default: ${DEFAULT_LINK_SECONDS}, a day.`),
    user: z
      .string()
      .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
      .optional()
      .describe('For whom it is: the program in the VM is told in the header `X-Ephemera-User`. Default: nobody.'),
  })
  .meta({ id: 'CreateLink' });

export const linkSchema = z
  .object({
    url: z.string().describe('Opens the port in a browser, for whoever has it.'),
    expiresAt: z.iso.datetime().describe('It opens nothing from then on, nor does a browser that was let in by it.'),
  })
  .meta({ id: 'Link' });

export const linkKeySchema = z
  .object({
    publicKey: z.string().describe('Ed25519, SPKI in base64.'),
    deployment: z.string().describe('Whose links it verifies.'),
    project: z.string().describe('Project of the key that asks.'),
    revokedUntil: z.iso
      .datetime()
      .optional()
      .describe(
        'Links of the project that were made until then were taken back. Absent: nobody took all of them back.',
      ),
    revokedOfVms: z
      .record(z.string(), z.iso.datetime())
      .describe('By the name of a VM: those of its links that were made until then were taken back.'),
  })
  .meta({ id: 'LinkKey' });

export const revokedLinksSchema = z
  .object({ revokedUntil: z.iso.datetime().describe('Links that were made until then open nothing any more.') })
  .meta({ id: 'RevokedLinks' });
