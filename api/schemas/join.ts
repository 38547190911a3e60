import { z } from 'zod';
import { membershipSchema } from '../../security/hosts/host-membership.ts';

export const joinTokenSchema = z
  .object({
    token: z.string().describe('Lets one computer join as a host, once.'),
    expiresAt: z.iso.datetime().describe('The token is worth nothing from then on.'),
    command: z.string().describe('What to type on that computer, in its checkout.'),
  })
  .meta({ id: 'JoinToken' });

/** As `EPHEMERA_HOST_ID`. */
const hostIdSchema = z
  .string()
  .max(60)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be lower-case letters, digits and dashes');

export const joinBodySchema = z
  .strictObject({
    hostId: hostIdSchema.describe('What the host calls itself; unique in the deployment.'),
    hostKey: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 32 random bytes in hex')
      .describe('Made up by the host once and kept: with it, it may ask again when the answer was lost.'),
    endpoint: z
      .strictObject({
        publicKey: z.base64().max(200).describe('SPKI of its P-256 key, in base64.'),
        signature: z.base64().max(200).describe('By that key, for this token and host id.'),
      })
      .describe('Which key its internal endpoint has, and that it has it: its bearer is good for that alone.'),
    providers: z
      .array(z.string().max(40))
      .min(1)
      .max(20)
      .optional()
      .describe('Whose machines it will run. Default: all of the deployment that run on hosts.'),
  })
  .meta({ id: 'HostJoin' });

export const joinReplySchema = membershipSchema.meta({
  id: 'HostJoined',
  description: 'What a host needs, and secret: it is kept by the host alone.',
});
