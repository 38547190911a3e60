import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../../../api/http/errors/problem.ts';
import { validate } from '../../../api/http/validate.ts';
import { createVmSchema } from '../../../api/schemas/spec.ts';
import { normaliseSpec } from '../../../api/vms/create/normalise-spec.ts';
import { specHash } from '../../../api/vms/create/spec-hash.ts';
import { providerNames } from '../../../providers/lookup.ts';
import { SECRET_INPUT_LIMITS } from '../../../domain/machine/sealed-input.ts';

const SECRET = 'hunter2-in-the-clear';
const providers = providerNames();

function specOf(body: object) {
  return normaliseSpec(validate(createVmSchema, { template: 'chat', ...body }, 'body'), providers);
}

function refusal(body: object): string {
  try {
    specOf(body);
  } catch (error) {
    if (error instanceof ApiProblem) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('secretEnv and startupScript of a create request', () => {
  it('leave nothing but names in the spec, on every provider', () => {
    for (const provider of providers) {
      const spec = specOf({ provider, secretEnv: { B: SECRET, A: SECRET }, startupScript: `echo ${SECRET}` });
      expect(spec.sealed).toEqual({ secretEnvNames: ['A', 'B'], startupScript: true });
      expect(JSON.stringify(spec)).not.toContain(SECRET);
    }
    expect(specOf({ startupScript: 'true' }).sealed).toEqual({ secretEnvNames: [], startupScript: true });
  });

  it('that are empty are as good as absent, so that an older VM of the same spec is found again', () => {
    const spec = specOf({ secretEnv: {}, startupScript: '' });
    expect('sealed' in spec).toBe(false);
    expect(specHash(spec, null)).toBe(specHash(specOf({})));
  });

  it('are refused, without their values, when a name is wrong, in env too, or something is too big', () => {
    const { secretEnvBytes, startupScriptBytes } = SECRET_INPUT_LIMITS;
    const big = SECRET.repeat(100).slice(0, 2000);
    const many = Object.fromEntries(Array.from({ length: secretEnvBytes / 2000 + 1 }, (_, at) => [`V${at}`, big]));
    const refusals: [RegExp, object][] = [
      [/^invalidRequest: body\.secretEnv\.TOKEN: is in env too/, { env: { TOKEN: 'x' }, secretEnv: { TOKEN: SECRET } }],
      [/^invalidRequest: body\.secretEnv: .*bytes/, { secretEnv: many }],
      [/^invalidRequest: body\.startupScript: .*bytes/, { startupScript: 'ä'.repeat(startupScriptBytes / 2 + 1) }],
      [/^invalidRequest: body\.startupScript/, { startupScript: SECRET.repeat(4000) }],
      [/^invalidRequest: body\.startupScript/, { startupScript: `${SECRET}\0` }],
      [/^invalidRequest: body\.secretEnv\.TOKEN/, { secretEnv: { TOKEN: `${SECRET}\0` } }],
      [/^invalidRequest: body\.secretEnv\.TOKEN/, { secretEnv: { TOKEN: SECRET.repeat(200) } }],
      [/^invalidRequest: body\.secretEnv\.TOKEN/, { secretEnv: { TOKEN: { value: SECRET } } }],
      [/^invalidRequest: body\.secretEnv/, { secretEnv: SECRET }],
      [/^invalidRequest: body\.secretEnv\.1A/, { secretEnv: { '1A': SECRET } }],
      [/^invalidRequest: body\.startupScript/, { startupScript: [SECRET] }],
    ];
    for (const [expected, body] of refusals) {
      const text = refusal(body);
      expect(text).toMatch(expected);
      expect(text).not.toContain(SECRET);
    }
  });

  it('are refused where nobody could hold the VM back until its machine has them', () => {
    const ready = { readiness: { kind: 'http' } };
    expect(refusal({ provider: 'gcp', ...ready, secretEnv: { TOKEN: SECRET } })).toMatch(
      /^unsupportedOption: body\.secretEnv: gcp .* readiness agent/,
    );
    expect(refusal({ provider: 'gcp', ...ready, startupScript: SECRET })).toMatch(
      /^unsupportedOption: body\.startupScript: gcp/,
    );
    expect(refusal({ provider: 'gcp', image: 'container:redis:8', secretEnv: { TOKEN: SECRET } })).toMatch(
      /^unsupportedOption: body\.secretEnv: a container does not/,
    );
    // A guest of a container image starts its program once it has its secrets; a script it has no place for.
    expect(specOf({ provider: 'qemu', image: 'container:app', secretEnv: { TOKEN: SECRET } }).sealed).toBeDefined();
    expect(refusal({ provider: 'qemu', image: 'container:app', startupScript: SECRET })).toMatch(
      /^unsupportedOption: body\.startupScript: a container image starts its own program/,
    );
    for (const provider of ['local', 'qemu'])
      expect(specOf({ provider, ...ready, startupScript: 'true' }).sealed).toBeDefined();
  });
});

describe('the hash of a spec', () => {
  it('notices another secret by its fingerprint alone', () => {
    const spec = specOf({ secretEnv: { TOKEN: SECRET } });
    expect(specHash(spec, 'a')).toBe(specHash(spec, 'a'));
    expect(specHash(spec, 'a')).not.toBe(specHash(spec, 'b'));
    expect(specHash(spec, 'a')).not.toBe(specHash(spec, null));
  });
});
