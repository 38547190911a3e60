/**
 * Input of a create request that only the machine may read: `secretEnv` and `startupScript`. The API seals it before
 * the workflow starts; histories carry the sealed text, everything else its names alone.
 */

/** The opened input. Never in a log, a history, a view or an error. */
export interface SecretInput {
  secretEnv: Record<string, string>;
  startupScript: string | null;
}

/** What everyone may know of sealed input; part of the spec. */
export interface SealedNames {
  /** Names of the secret variables, sorted. */
  secretEnvNames: string[];
  startupScript: boolean;
}

/** Sizes in bytes of UTF-8. */
export const SECRET_INPUT_LIMITS = {
  /** All names and values of `secretEnv` together. */
  secretEnvBytes: 32 * 1024,
  startupScriptBytes: 64 * 1024,
} as const;

/** Null when there is nothing to seal. */
export function sealedNames(input: SecretInput | null): SealedNames | null {
  if (input === null) return null;
  return { secretEnvNames: Object.keys(input.secretEnv).sort(), startupScript: input.startupScript !== null };
}
