import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealedInputs } from '../../../security/sealing/sealed-input.ts';
import type { StartClaim } from '../../../security/sealing/start-signatures.ts';
import type { SecretInput } from '../../../domain/machine/sealed-input.ts';
import { chatSpec } from '../../../test-support/machines/local-harness.ts';

const secret = randomBytes(32);
const inputs = new SealedInputs(secret, 'production');
const start: StartClaim = { workflowId: 'vm/default/lobby', spec: chatSpec({ env: { LEVEL: '1' } }) };
const subject = { project: 'default', name: 'lobby' };
const input: SecretInput = {
  secretEnv: { TOKEN: 'hunter2', PEM: 'a\nb\u00e4' },
  startupScript: '#!/bin/sh\necho hi\n',
};

/** As it was computed before. */
const KNOWN_FINGERPRINT = 'ec0e1c57b0d982f144aec5d199f9d0d0f4d196f70986de6e4bf363685c398dd6';

const payloadOf = (sealed: string): Buffer => Buffer.from(sealed.slice(3), 'base64url');
const sealedOf = (payload: Buffer): string => `v2.${payload.toString('base64url')}`;

describe('a sealed input', () => {
  it('is opened to what was sealed, and shows nothing of it', () => {
    const sealed = inputs.seal(start, input);
    expect(inputs.open(start, sealed)).toEqual(input);
    for (const clear of ['hunter2', 'TOKEN', 'echo hi']) {
      expect(sealed).not.toContain(clear);
      expect(payloadOf(sealed).toString('latin1')).not.toContain(clear);
    }
  });

  it('is opened whatever is in it', () => {
    const anyInput = fc.record({
      secretEnv: fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,20}$/), fc.string({ unit: 'binary' })),
      startupScript: fc.option(fc.string({ unit: 'binary' })),
    });
    fc.assert(
      fc.property(anyInput, (any) => {
        expect(inputs.open(start, inputs.seal(start, any))).toEqual(any);
      }),
    );
  }, 60_000);

  it('is not opened when any single byte of nonce, tag or ciphertext was changed', () => {
    const payload = payloadOf(inputs.seal(start, input));
    for (let at = 0; at < payload.length; at++) {
      const damaged = Buffer.from(payload);
      damaged[at]! ^= 1 << (at % 8);
      expect(inputs.open(start, sealedOf(damaged)), `byte ${at}`).toBeUndefined();
    }
  });

  it('is not opened when it was cut, lengthened or spelt in another way', () => {
    const sealed = inputs.seal(start, input);
    const payload = payloadOf(sealed);
    for (let length = 0; length < payload.length; length++) {
      expect(inputs.open(start, sealedOf(payload.subarray(0, length))), `${length} bytes`).toBeUndefined();
    }
    const spellings = [
      '',
      'v2',
      'v2.',
      `v1${sealed.slice(2)}`,
      sealed.slice(3),
      `${sealed}.`,
      `${sealed}=`,
      `${sealed}A`,
    ];
    for (const spelling of spellings) expect(inputs.open(start, spelling), spelling.slice(0, 9)).toBeUndefined();
    expect(inputs.open(start, sealedOf(Buffer.concat([payload, Buffer.from([0])])))).toBeUndefined();
  });

  it('is worth nothing in another project, for another name or spec, in another deployment or under another key', () => {
    const sealed = inputs.seal(start, input);
    const { spec } = start;
    expect(inputs.open({ spec, workflowId: 'vm/other/lobby' }, sealed)).toBeUndefined();
    expect(inputs.open({ spec, workflowId: 'vm/default/game' }, sealed)).toBeUndefined();
    expect(inputs.open({ ...start, spec: { ...spec, env: { PATH: '/mine' } } }, sealed)).toBeUndefined();
    expect(inputs.open({ ...start, spec: { ...spec, image: 'mine' } }, sealed)).toBeUndefined();
    const kept = JSON.parse(JSON.stringify(spec)) as typeof spec;
    expect(inputs.open({ ...start, spec: kept }, sealed)).toEqual(input);
    expect(new SealedInputs(secret, 'staging').open(start, sealed)).toBeUndefined();
    expect(new SealedInputs(randomBytes(32), 'production').open(start, sealed)).toBeUndefined();
    expect(new SealedInputs(secret, 'production').open(start, sealed)).toEqual(input);
  });

  it('never uses a nonce twice', () => {
    const nonces = Array.from({ length: 2000 }, () => payloadOf(inputs.seal(start, input)).toString('hex', 0, 12));
    expect(new Set(nonces).size).toBe(nonces.length);
  });
});

describe('the fingerprint of a secret input', () => {
  it('is equal for equal input, however it was ordered, and differs for any other', () => {
    const { secretEnv, startupScript } = input;
    const turned = { startupScript, secretEnv: Object.fromEntries(Object.entries(secretEnv).reverse()) };
    const print = inputs.fingerprint(subject, input);
    expect(inputs.fingerprint(subject, turned)).toBe(print);
    const others: SecretInput[] = [
      { ...input, startupScript: null },
      { ...input, startupScript: '' },
      { ...input, secretEnv: {} },
      { ...input, secretEnv: { ...secretEnv, TOKEN: 'hunter3' } },
      { ...input, secretEnv: { ...secretEnv, MORE: '' } },
    ];
    const prints = [print, ...others.map((other) => inputs.fingerprint(subject, other))];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('stays what it was before sealed texts were bound to their spec: an equal create is no conflict', () => {
    const fixed = new SealedInputs(new Uint8Array(32).fill(1), 'production');
    expect(fixed.fingerprint(subject, { secretEnv: { B: '2', A: '1' }, startupScript: null })).toBe(KNOWN_FINGERPRINT);
  });

  it('says nothing to whoever has not the key, not even that two VMs share a secret', () => {
    const print = inputs.fingerprint(subject, input);
    expect(new SealedInputs(randomBytes(32), 'production').fingerprint(subject, input)).not.toBe(print);
    expect(inputs.fingerprint({ ...subject, name: 'game' }, input)).not.toBe(print);
    expect(inputs.fingerprint({ ...subject, project: 'other' }, input)).not.toBe(print);
  });
});
