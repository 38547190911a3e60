import { z } from 'zod';
import { TIMEOUT_LIMITS } from '../../domain/timeouts.ts';

/** A DNS label: names of VMs, templates, providers and zones. */
export const nameSchema = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, '1 to 63 of a-z, 0-9 and "-", a letter first, no "-" at the end');

/** Whole seconds, at least one, at most 30 days. */
export const secondsSchema = z.int().min(TIMEOUT_LIMITS.minIdleSeconds).max(TIMEOUT_LIMITS.maxSeconds);

const LABEL_KEY = /^[a-z]([a-z0-9._-]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

export const labelsSchema = z
  .record(
    z.string().regex(LABEL_KEY, 'a label key is 1 to 63 of a-z, 0-9, ".", "_" and "-", a letter first'),
    z.string().regex(LABEL_VALUE, 'a label value is at most 63 of A-Z, a-z, 0-9, ".", "_" and "-"'),
  )
  .meta({ description: 'Found again with `?label=key=value`.', maxProperties: 32 });

/** `key=value` in a query. */
export const labelFilterSchema = z
  .string()
  .regex(/^[a-z]([a-z0-9._-]{0,61}[a-z0-9])?=([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'must be key=value');

export const portSchema = z.int().min(1).max(65_535);
