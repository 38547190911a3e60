/** Documents by which clouds vouch for their servers: true ones, and those of people who would like to be another's server. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ec2IdentityVerifier, type Ec2IdentityOptions } from '../../../providers/ec2/instance-identity.ts';
import { AzureIdentityVerifier } from '../../../providers/azure/instance-identity.ts';
import { digitsOf } from '../../../lib/text/digits-of.ts';
import {
  AS_EC2,
  IdentityAuthority,
  azureDocument,
  ec2Document,
  type Signer,
} from '../../../test-support/clouds/identity-documents.ts';

/** A little later than the certificates that are made here. */
const NOW = Math.ceil(Date.now() / 1000) * 1000 + 60_000;
const SLOW = 60_000;
const DAY_MS = 24 * 3600 * 1000;
const authority = new IdentityAuthority();
afterAll(() => authority.close());

const certificate = ({ certificate: pem }: Signer): X509Certificate => new X509Certificate(pem);

describe('an instance identity document of Amazon EC2', { timeout: SLOW }, () => {
  const server = { id: 'i-0123456789abcdef0', account: '123456789012', place: 'eu-central-1b' };
  let amazon: Signer;
  let stranger: Signer;

  beforeAll(() => {
    amazon = authority.signer({ name: 'Amazon' });
    stranger = authority.signer({ name: 'Amazon' });
  }, SLOW);

  const check = (token: string, options: Partial<Ec2IdentityOptions> = {}, nowMs = NOW) => {
    const certificates = [certificate(amazon)];
    const verifier = new Ec2IdentityVerifier({
      certificates,
      region: 'eu-central-1',
      account: server.account,
      ...options,
    });
    return verifier.verify(token, undefined, nowMs);
  };
  const signed = (changes = {}, signer = amazon, message = AS_EC2): string =>
    authority.message(ec2Document(server, changes), signer, message);

  it('says which instance it is of, in whatever form Amazon writes it', async () => {
    expect(await check(signed())).toEqual({ instanceId: server.id });
    expect(await check(signed({}, amazon, {}))).toEqual({ instanceId: server.id });
    expect(await check(signed({}, amazon, { options: ['-noattr'] }))).toEqual({ instanceId: server.id });
    expect(await check(signed({}, amazon, { options: ['-md', 'sha512'] }))).toEqual({ instanceId: server.id });
    expect(await check(signed({ accountId: '210987654321' }), { account: null })).toEqual({ instanceId: server.id });
  });

  it.each([
    ['of another account', () => signed({ accountId: '210987654321' })],
    ['of another region', () => signed({ region: 'eu-central-2' })],
    ['of an instance that was not begun yet', () => signed({ pendingTime: new Date(NOW + 3_600_000).toISOString() })],
    ['that names no instance', () => signed({ instanceId: 'eph-test-m-1' })],
    ['of somebody who calls himself Amazon', () => signed({}, stranger)],
    ['of somebody who shows his certificate with it', () => signed({}, stranger, {})],
    ['that is no JSON', () => authority.message('instanceId: i-0123456789abcdef0', amazon, AS_EC2)],
    ['that came without what was signed', () => signed({}, amazon, { detached: true })],
    ['whose digest is broken', () => signed({}, amazon, { options: ['-nocerts', '-md', 'sha1'] })],
    ['that is not signed', () => Buffer.from(ec2Document(server)).toString('base64')],
    ['that is nothing', () => ''],
    ['that is no base64', () => `${signed()}!`],
    ['that is huge', () => authority.message(ec2Document(server, { more: 'x'.repeat(20_000) }), amazon, AS_EC2)],
  ])('%s is refused', async (_, token) => {
    expect(await check(token())).toBeUndefined();
  });

  it('is refused whichever byte of it was changed, and wherever it was cut', async () => {
    const bytes = Buffer.from(signed({}, amazon, { options: ['-nocerts'] }), 'base64');
    let believed = 0;
    let tried = 0;
    for (let at = 0; at < bytes.length; at += 9) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 0x01;
      const found = await check(changed.toString('base64'));
      // What names the signer decides nothing, the key does: nobody gains by changing that.
      if (found !== undefined) expect(found.instanceId).toBe(server.id);
      tried += 1;
      believed += found === undefined ? 0 : 1;
      expect(await check(bytes.subarray(0, at).toString('base64'))).toBeUndefined();
    }
    expect(believed / tried).toBeLessThan(0.1);
  });

  it('is refused with what another one says, and by a certificate that is too old, too weak or of no RSA key', async () => {
    const bytes = Buffer.from(signed({}, amazon, { options: ['-nocerts'] }), 'base64');
    const swapped = Buffer.from(bytes.toString('latin1').replace(server.id, 'i-0fedcba9876543210'), 'latin1');
    expect(swapped.equals(bytes)).toBe(false);
    expect(await check(bytes.toString('base64'))).toEqual({ instanceId: server.id });
    expect(await check(swapped.toString('base64'))).toBeUndefined();

    expect(await check(signed(), {}, NOW + 3700 * DAY_MS)).toBeUndefined();
    for (const key of ['rsa:1024', 'ec'] as const) {
      const weak = authority.signer({ name: 'Amazon', key });
      expect(await check(signed({}, weak), { certificates: [certificate(weak)] }), key).toBeUndefined();
    }
  });
});

describe('an attested document of an Azure VM', { timeout: SLOW }, () => {
  const server = { id: '02aab8a4-74ef-476e-8182-f6d2ba4166a6', account: '8d10da13-8125-4ba9-a717-bf7490507b3d' };
  const audience = 'https://ephemera.test:7400';
  const nonce = digitsOf(`${audience} the-binding`, 10);
  let root: Signer;
  let issuing: Signer;
  let service: Signer;

  beforeAll(() => {
    root = authority.signer({ name: 'Root', authority: true, key: 'ec' });
    const extensions = ['extendedKeyUsage = serverAuth, clientAuth'];
    issuing = authority.signer({ name: 'Issuing', authority: true, issuer: root, extensions });
    const hosts = ['metadata.azure.com'];
    service = authority.signer({ name: 'metadata.azure.com', hosts, issuer: issuing, extensions });
  }, SLOW);

  const check = (token: string, { nowMs = NOW, trusted = [root], binding = 'the-binding' } = {}) =>
    new AzureIdentityVerifier({ authorities: trusted.map(certificate), subscription: server.account, audience }).verify(
      token,
      { binding },
      nowMs,
    );
  const signed = (changes = {}, signer = service, chain = [issuing]): string =>
    authority.message(azureDocument(server, { nonce, nowMs: NOW }, changes), signer, { chain });
  const by = (options: Parameters<IdentityAuthority['signer']>[0]): Signer => authority.signer(options);

  it('says which VM it is of, with the chain of its signer in it or among the authorities', async () => {
    expect(await check(signed())).toEqual({ instanceId: server.id });
    expect(await check(signed({}, service, []), { trusted: [root, issuing] })).toEqual({ instanceId: server.id });
    const regional = by({ name: 'x', hosts: ['westeurope.metadata.azure.com'], issuer: issuing });
    expect(await check(signed({}, regional))).toEqual({ instanceId: server.id });
    expect(await check(signed({ subscriptionId: server.account.toUpperCase() }))).toEqual({ instanceId: server.id });
  });

  it.each([
    ['of another subscription', () => signed({ subscriptionId: '00000000-8125-4ba9-a717-bf7490507b3d' })],
    ['that names no VM', () => signed({ vmId: 'vm-1' })],
    ['that was asked for by nobody', () => signed({ nonce: '0123456789' })],
    ['whose chain is broken', () => signed({}, service, [])],
    [
      'of an authority that nobody trusts',
      () => {
        const other = by({ name: 'Root', authority: true, key: 'ec' });
        return signed({}, by({ name: 'metadata.azure.com', hosts: ['metadata.azure.com'], issuer: other }), [other]);
      },
    ],
    [
      'of a server that is no authority',
      () => {
        const issuer = by({ name: 'shop', hosts: ['shop.test'], issuer: issuing, key: 'ec' });
        return signed({}, by({ name: 'metadata.azure.com', hosts: ['metadata.azure.com'], issuer }), [issuer, issuing]);
      },
    ],
    [
      'of an authority for the names of one company alone',
      () => {
        const extensions = ['nameConstraints = critical, permitted;DNS:shop.test'];
        const issuer = by({ name: 'Shop', authority: true, issuer: root, key: 'ec', extensions });
        return signed({}, by({ name: 'x', hosts: ['metadata.azure.com'], issuer }), [issuer]);
      },
    ],
    [
      'of an authority for mail alone',
      () => {
        const extensions = ['extendedKeyUsage = emailProtection'];
        const issuer = by({ name: 'Mail', authority: true, issuer: root, key: 'ec', extensions });
        return signed({}, by({ name: 'x', hosts: ['metadata.azure.com'], issuer }), [issuer]);
      },
    ],
    [
      'whose signer is no server',
      () => {
        const extensions = ['extendedKeyUsage = codeSigning'];
        return signed({}, by({ name: 'x', hosts: ['metadata.azure.com'], issuer: issuing, extensions }));
      },
    ],
    ['of another host', () => signed({}, by({ name: 'metadata.azure.com', hosts: ['shop.test'], issuer: issuing }))],
    [
      'of a host whose name ends alike',
      () => signed({}, by({ name: 'x', hosts: ['evilmetadata.azure.com'], issuer: issuing })),
    ],
    [
      'of a service that signed itself',
      () => signed({}, by({ name: 'metadata.azure.com', hosts: ['metadata.azure.com'] }), [issuing]),
    ],
    ['that an authority signed itself', () => signed({}, issuing, [])],
    ['that is nothing', () => 'AA=='],
  ])('%s is refused', async (_, token) => {
    expect(await check(token())).toBeUndefined();
  });

  it('is refused, and fails nothing, with a certificate whose key nobody can read', async () => {
    const rsaKey = Buffer.from('06092a864886f70d010101', 'hex');
    const unreadable = (of: Signer): Buffer => {
      const bytes = Buffer.from(certificate(of).raw);
      bytes[bytes.indexOf(rsaKey) + rsaKey.length - 1] = 0x7f;
      return bytes;
    };
    const withUnreadable = (token: string, of: Signer): string => {
      const bytes = Buffer.from(token, 'base64');
      const at = bytes.indexOf(certificate(of).raw);
      expect(at).toBeGreaterThan(0);
      unreadable(of).copy(bytes, at);
      return bytes.toString('base64');
    };
    expect(await check(withUnreadable(signed(), service)), 'of the signer').toBeUndefined();
    expect(await check(withUnreadable(signed(), issuing)), 'of the issuer').toBeUndefined();
  });

  it('is refused to whoever shows another binding, another API, or comes before or after its time', async () => {
    const token = signed();
    expect(await check(token, { binding: 'the-binding-of-another' })).toBeUndefined();
    const elsewhere = {
      authorities: [certificate(root)],
      subscription: server.account,
      audience: 'https://other.test',
    };
    expect(await new AzureIdentityVerifier(elsewhere).verify(token, { binding: 'the-binding' }, NOW)).toBeUndefined();
    expect(await check(token, { nowMs: NOW + 6 * 3600 * 1000 })).toBeUndefined();
    expect(await check(token, { nowMs: NOW - 120_000 })).toBeUndefined();
    const forEver = authority.message(azureDocument(server, { nonce, nowMs: NOW, lifeMs: 30 * DAY_MS }), service, {
      chain: [issuing],
    });
    expect(await check(forEver)).toBeUndefined();
    expect(await check(token, { nowMs: NOW + 5 * 3600 * 1000 })).toEqual({ instanceId: server.id });
  });
});
