import { z } from 'zod';
import { ROLES } from '../../security/keys/keys-file.ts';
import { ROLE_TEXT } from './explanations.ts';

/** Longer than any key of ours. */
const MAX_KEY_CHARACTERS = 512;

export const signInSchema = z
  .strictObject({ key: z.string().min(1).max(MAX_KEY_CHARACTERS).describe('An API key.') })
  .meta({ id: 'SignIn' });

const WHO = {
  project: z.string().describe('Project of the key.'),
  role: z.enum(ROLES).describe(ROLE_TEXT),
  keyId: z.string().describe('Id of the key.'),
};

export const signedInSchema = z
  .object({
    ...WHO,
    expiresAt: z.iso.datetime().describe('When the session ends; sooner if its key does.'),
    proof: z.string().describe('For the header `X-Ephemera-Session` of each request of the page that signed in.'),
  })
  .meta({ id: 'SignedIn', description: 'A session of a browser, whose other half is a cookie.' });

export const browserSessionSchema = z
  .object({
    ...WHO,
    expiresAt: z.iso.datetime().optional().describe('When the session ends; absent for a request with a key.'),
  })
  .meta({ id: 'BrowserSession', description: 'Who asks.' });
