import { z } from 'zod';

/** `key=value` in a query. */
export const labelFilterSchema = z
  .string()
  .regex(/^[a-z]([a-z0-9._-]{0,61}[a-z0-9])?=([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'must be key=value');
