import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../lib/text/canonical-json.ts';
import type { CreateVmBody } from '../../../spec/spec-schemas.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';

/**
 * SHA-256 (hex) of a spec as canonical JSON: the same spec has the same hash, however its fields were ordered.
 * `sealedFingerprint` stands for what is secret in the request, which is sealed anew each time.
 */
export function specHash(spec: VmSpec, sealedFingerprint: string | null = null): string {
  return sha256(canonicalJson(sealedFingerprint === null ? spec : { ...spec, sealedFingerprint }));
}

/**
 * SHA-256 (hex) of a request that names a template, as it was written but for the name of the VM and what is secret: null
 * for one that gives a whole spec, whose hash says as much.
 */
export function requestHash(asked: CreateVmBody, sealedFingerprint: string | null): string | null {
  if (asked.template === undefined) return null;
  const plain = { ...asked };
  delete plain.name;
  delete plain.fresh;
  delete plain.secretEnv;
  delete plain.startupScript;
  return sha256(canonicalJson({ ...plain, sealedFingerprint }));
}

/** SHA-256 (hex) of an Idempotency-Key: keys of different projects never meet, and the key itself is not stored. */
export function idempotencyKeyHash(project: string, key: string): string {
  return sha256(`${project}\n${key}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
