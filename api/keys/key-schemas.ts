import { z } from 'zod';
import {
  endOfKey,
  labelSchema,
  projectSchema,
  ROLES,
  type Role,
  type StoredKey,
} from '../../security/keys/keys-file.ts';
import { choice } from '../../spec/choice.ts';

/** As `--overlap-seconds` of `npm run keys -- rotate`. */
const MAX_OVERLAP_SECONDS = 30 * 24 * 3600;

const role = z.enum(ROLES).describe(
  choice<Role>('What the key may do.', {
    viewer: 'look',
    operator: 'also create VMs and change them',
    admin: 'also what concerns the whole deployment, keys among it',
  }),
);
const expiresAt = z.iso
  .datetime({ offset: true })
  .optional()
  .describe('From then on the key is refused; a time to come. Default: never.');

export const keyPathSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,40}$/, 'no key has such an id')
    .describe('Id of the key, as lists and the audit log name it; never the key itself.'),
});

export const createKeyBodySchema = z
  .strictObject({
    project: projectSchema.describe('Whose VMs the key is for.'),
    role,
    label: labelSchema.optional().describe('What it is for, in lists. Default: none.'),
    expiresAt,
  })
  .meta({ id: 'KeyOrder' });

export const rotateKeyBodySchema = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(MAX_OVERLAP_SECONDS)
      .optional()
      .describe('How long the old key goes on beside the new one. Default: 0, it ends now.'),
    expiresAt,
  })
  .meta({ id: 'KeyRotation' });

export const revokeKeyQuerySchema = z.strictObject({
  force: z
    .boolean()
    .optional()
    .meta({ description: 'Revoke it though no good key with the role admin is left. Default: false.' }),
});

export const keySchema = z
  .object({
    id: z.string().describe('Names the key in lists and in the audit log.'),
    project: z.string().describe('Whose VMs it is for.'),
    role,
    label: z.string().optional().describe('What it is for; absent where nobody said it.'),
    lastFour: z.string().optional().describe('The end of the key, by which people tell it from others.'),
    createdAt: z.iso.datetime().describe('When it was made.'),
    expiresAt: z.iso.datetime().optional().describe('From then on it is refused; absent: never.'),
    revokedAt: z.iso.datetime().optional().describe('When it was revoked.'),
    state: z.enum(['good', 'expired', 'revoked']).describe(
      choice<ApiKeyState>('Whether it is accepted.', {
        good: 'it is',
        expired: 'its time is over',
        revoked: 'somebody has ended it',
      }),
    ),
    isCaller: z.boolean().describe('It is the key of this request.'),
  })
  .meta({ id: 'Key', description: 'What is kept of an API key; never the key.' });
type ApiKeyState = 'good' | 'expired' | 'revoked';
type ApiKey = z.infer<typeof keySchema>;

export const madeKeySchema = keySchema
  .extend({ key: z.string().describe('The key itself. It is in this answer alone, and kept nowhere.') })
  .meta({ id: 'MadeKey', description: 'A key that was just made.' });

export const keyListSchema = z
  .object({
    keys: z
      .array(keySchema)
      .describe('Each key of every project, those that have ended too, in the order they were made.'),
  })
  .meta({ id: 'KeyList', description: 'The API keys of the deployment.' });

/** What the API shows of a key. `now` in epoch ms. */
export function shownKey(stored: StoredKey, callerId: string, now: number): ApiKey {
  const { id, project, role, label, lastFour, createdAt, expiresAt, revokedAt } = stored;
  return {
    ...{ id, project, role, createdAt },
    ...(label === undefined ? {} : { label }),
    ...(lastFour === undefined ? {} : { lastFour }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(revokedAt === undefined ? {} : { revokedAt }),
    state: endOfKey(stored, now) ?? 'good',
    isCaller: id === callerId,
  };
}
