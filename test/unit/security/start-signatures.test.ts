import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StartSignatures, type StartClaim } from '../../../security/sealing/start-signatures.ts';
import { chatSpec } from '../../../test-support/machines/local-harness.ts';

const secret = randomBytes(32);
const signatures = new StartSignatures(secret, 'production');
const start: StartClaim = { workflowId: 'vm/default/lobby', spec: chatSpec({ env: { LEVEL: '1', MAP: 'ice' } }) };
const SEALED = 'v2.sealed';

describe('the signature of a start', () => {
  const signed = signatures.sign(start, SEALED);

  it('holds for what the API started, also after it went through a history with its fields in another order', () => {
    const spec = { ...start.spec, sealed: undefined };
    const kept = JSON.parse(JSON.stringify(start.spec)) as typeof spec;
    const turned = Object.fromEntries(Object.entries(kept).reverse()) as unknown as typeof spec;
    for (const one of [spec, kept, turned]) {
      expect(signatures.verify({ ...start, spec: one }, signed)).toBe(true);
      expect(signatures.verifyWith({ ...start, spec: one }, SEALED, signed)).toBe(true);
    }
  });

  it('of an earlier version holds', () => {
    const before = 'v1.APRznaAoE_j04VSbfICvN4bBiudDSb3hFxKv9pyH3TA.k3PHYdMV6TRJITX6n4V9xWRR6YoJteMM1UGkg5pbPno';
    const spec = { image: 'vm-server', env: { LEVEL: '1' } } as unknown as StartClaim['spec'];
    const claim = { workflowId: 'vm/default/lobby', spec };
    const known = new StartSignatures(new Uint8Array(32).fill(3), 'production');
    expect(known.verifyWith(claim, SEALED, before)).toBe(true);
    expect(known.verify({ ...claim, workflowId: 'warm/default/lobby' }, before)).toBe(false);
  });

  it('holds for any spec that JSON carries', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (any) => {
        const odd = { workflowId: 'vm/default/lobby', spec: { ...start.spec, env: any } as typeof start.spec };
        const kept = JSON.parse(JSON.stringify(odd)) as StartClaim;
        expect(signatures.verify(kept, signatures.sign(odd, null))).toBe(true);
      }),
    );
  });

  it('does not hold for another VM, spec, sealed text, deployment or key', () => {
    const { spec } = start;
    const others: StartClaim[] = [
      { ...start, workflowId: 'vm/default/game' },
      { ...start, workflowId: 'vm/other/lobby' },
      { ...start, spec: { ...spec, env: { ...spec.env, PATH: '/mine' } } },
      { ...start, spec: { ...spec, env: { LEVEL: '1' } } },
      { ...start, spec: { ...spec, image: 'mine' } },
      { ...start, spec: { ...spec, maxLifetimeSeconds: spec.maxLifetimeSeconds! + 1 } },
    ];
    for (const other of others) expect(signatures.verify(other, signed)).toBe(false);
    expect(signatures.verifyWith(start, 'v2.another', signed)).toBe(false);
    expect(signatures.verifyWith(start, null, signed)).toBe(false);
    expect(signatures.verifyWith(start, SEALED, signatures.sign(start, null))).toBe(false);
    expect(new StartSignatures(secret, 'staging').verify(start, signed)).toBe(false);
    expect(new StartSignatures(randomBytes(32), 'production').verify(start, signed)).toBe(false);
  });

  it('is nothing else than the one text, and no claim makes the check fail otherwise', () => {
    const [version, digest, mac] = signed.split('.');
    const swapped = signatures.sign(start, 'v2.another').split('.')[1];
    const texts = [
      ...[undefined, null, 5, '', 'v1', 'v1..', signed.slice(1), `${signed}=`, `${signed}.`, ` ${signed}`],
      ...[`v2.${digest}.${mac}`, `${version}.${swapped}.${mac}`, `${version}.-.${mac}`, `${version}.${digest}.`],
    ];
    for (const text of texts) expect(signatures.verify(start, text)).toBe(false);
    for (let at = 0; at < signed.length; at += 1) {
      const changed = `${signed.slice(0, at)}${signed[at] === 'x' ? 'y' : 'x'}${signed.slice(at + 1)}`;
      expect(signatures.verify(start, changed)).toBe(false);
    }
    let deep: unknown = [];
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    for (const spec of [undefined, null, 'text', deep]) {
      expect(signatures.verify({ workflowId: 'vm/default/lobby', spec: spec as never }, signed)).toBe(false);
    }
  });
});
