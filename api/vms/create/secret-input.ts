/** Takes what is secret out of a create request, with its limits checked. No refusal ever names a value. */
import { SECRET_INPUT_LIMITS, type SecretInput } from '../../../domain/machine/sealed-input.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import type { CreateVmBody } from '../../../spec/spec-schemas.ts';

const { secretEnvBytes, startupScriptBytes } = SECRET_INPUT_LIMITS;

/**
 * The input to be sealed, or null when the request has none.
 * @throws ApiProblem `invalidRequest` for a name that is in `env` too, and for what is too big.
 */
export function secretInputOf(body: CreateVmBody, env: Record<string, string>): SecretInput | null {
  const secretEnv = body.secretEnv ?? {};
  const script = body.startupScript ?? '';
  const names = Object.keys(secretEnv);
  if (names.length === 0 && script === '') return null;
  const both = names.find((name) => Object.hasOwn(env, name));
  if (both !== undefined) throw refused(`secretEnv.${both}`, 'is in env too; a variable comes from one of them');
  const envBytes = names.reduce((sum, name) => sum + bytesOf(name) + bytesOf(secretEnv[name] ?? ''), 0);
  if (envBytes > secretEnvBytes) throw refused('secretEnv', `names and values have more than ${secretEnvBytes} bytes`);
  if (bytesOf(script) > startupScriptBytes) throw refused('startupScript', `has more than ${startupScriptBytes} bytes`);
  return { secretEnv, startupScript: script === '' ? null : script };
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

function refused(field: string, problem: string): ApiProblem {
  return new ApiProblem('invalidRequest', `body.${field}: ${problem}`);
}
