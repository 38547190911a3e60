import { z } from 'zod';

/** All that is needed to do a request later, as it was when it was accepted. JSON; sealed wherever it is kept. */
export const sealedRequestSchema = z.object({
  operation: z.string(),
  params: z.unknown().optional(),
  query: z.record(z.string(), z.unknown()),
  body: z.unknown().optional(),
  /** Its Idempotency-Key, or one that was made up for it: what it makes is found by this when it is done again. */
  key: z.string(),
  caller: z.object({ id: z.string(), project: z.string(), role: z.enum(['viewer', 'operator', 'admin']) }),
  requestId: z.string(),
  remoteAddress: z.string(),
  /** Epoch ms. */
  expiresAt: z.number(),
});
export type SealedRequest = z.output<typeof sealedRequestSchema>;
