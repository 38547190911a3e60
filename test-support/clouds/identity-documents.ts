/**
 * Documents by which clouds vouch for their servers, signed as the clouds do, by authorities that a test makes up. Certificates are
 * made by openssl, and so are the messages: nothing here is what the documents are checked with.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignIdentity } from './guest-metadata.ts';
import type { PlayedServer } from './guests.ts';

export interface Signer {
  /** Of the key and the certificate. */
  keyFile: string;
  certificateFile: string;
  certificate: string;
}

export interface SignerOptions {
  name: string;
  /** Absent: it signs itself. */
  issuer?: Signer;
  authority?: boolean;
  /** DNS names that it is for. */
  hosts?: readonly string[];
  days?: number;
  /** More of its extensions, each as a line of openssl's configuration. */
  extensions?: readonly string[];
  /** As openssl makes them: `rsa:2048`, `ec`. */
  key?: 'rsa:2048' | 'rsa:1024' | 'ec';
}

export interface MessageOptions {
  /** Certificates beside the signer's own. */
  chain?: readonly Signer[];
  /** Without what it signs. */
  detached?: boolean;
  /** openssl's options of `cms -sign`. */
  options?: readonly string[];
}

export class IdentityAuthority {
  readonly #dir = mkdtempSync(join(tmpdir(), 'eph-identity-'));
  #made = 0;

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  signer({
    name,
    issuer,
    authority = false,
    hosts = [],
    days = 3650,
    key = 'rsa:2048',
    ...more
  }: SignerOptions): Signer {
    const base = join(this.#dir, `signer-${++this.#made}`);
    const [keyFile, certificateFile, config] = [`${base}.key`, `${base}.pem`, `${base}.cnf`];
    const names = hosts.length === 0 ? '' : `subjectAltName = ${hosts.map((host) => `DNS:${host}`).join(', ')}\n`;
    const uses = authority ? 'keyUsage = critical, keyCertSign\n' : 'keyUsage = critical, digitalSignature\n';
    const others = (more.extensions ?? []).map((line) => `${line}\n`).join('');
    const extensions = `basicConstraints = critical, CA:${authority ? 'TRUE' : 'FALSE'}\n${uses}${names}${others}`;
    writeFileSync(config, `[req]\ndistinguished_name = dn\nx509_extensions = x\n[dn]\n[x]\n${extensions}`);
    const kind = key === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['-newkey', key];
    const by = issuer === undefined ? [] : ['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile];
    const what = ['-nodes', '-keyout', keyFile, '-out', certificateFile, '-subj', `/CN=${name}`, '-days', `${days}`];
    openssl(['req', '-x509', '-config', config, ...kind, ...what, ...by]);
    return { keyFile, certificateFile, certificate: readFileSync(certificateFile, 'utf8') };
  }

  /** Base64 of the message with the text in it. */
  message(text: string, signer: Signer, { chain = [], options = [], detached = false }: MessageOptions = {}): string {
    const base = join(this.#dir, `message-${++this.#made}`);
    writeFileSync(base, text);
    const beside = chain.flatMap(({ certificateFile }) => ['-certfile', certificateFile]);
    const by = ['-signer', signer.certificateFile, '-inkey', signer.keyFile, ...beside];
    const form = ['-binary', ...(detached ? [] : ['-nodetach']), '-outform', 'DER', '-md', 'sha256'];
    openssl(['cms', '-sign', ...form, '-in', base, '-out', `${base}.der`, ...by, ...options]);
    return readFileSync(`${base}.der`).toString('base64');
  }
}

/** A cloud that vouches for its servers, and the file by which the API believes it. */
export interface VouchingCloud {
  sign: SignIdentity;
  certificatesFile: string;
  close: () => void;
}

export function vouchingCloud(platform: 'ec2' | 'azure'): VouchingCloud {
  const authority = new IdentityAuthority();
  const root = authority.signer({ name: 'Root', authority: platform === 'azure' });
  const hosts = ['metadata.azure.com'];
  const signer = platform === 'ec2' ? root : authority.signer({ name: 'Metadata', hosts, issuer: root });
  const sign: SignIdentity = (server, nonce) => {
    const isEc2 = platform === 'ec2';
    const text = isEc2 ? ec2Document(server) : azureDocument(server, { nonce, nowMs: Date.now() });
    return Promise.resolve(authority.message(text, signer, isEc2 ? AS_EC2 : {}));
  };
  return { sign, certificatesFile: root.certificateFile, close: () => authority.close() };
}

/** Amazon writes its messages in pieces, without certificates. */
export const AS_EC2: MessageOptions = { options: ['-nocerts', '-stream', '-indef'] };

/** An instance identity document of Amazon EC2, as its metadata service words it. */
export function ec2Document(
  server: Pick<PlayedServer, 'id' | 'account' | 'place'>,
  changes: Record<string, unknown> = {},
): string {
  const document = {
    accountId: server.account,
    architecture: 'x86_64',
    availabilityZone: server.place,
    billingProducts: null,
    devpayProductCodes: null,
    imageId: 'ami-0123456789abcdef0',
    instanceId: server.id,
    instanceType: 't3.small',
    kernelId: null,
    marketplaceProductCodes: null,
    pendingTime: `${new Date(Date.now() - 60_000).toISOString().slice(0, 19)}Z`,
    privateIp: '10.0.0.7',
    ramdiskId: null,
    region: server.place.replace(/[a-z]$/, ''),
    version: '2017-09-30',
    ...changes,
  };
  return JSON.stringify(document, null, 2);
}

/** An attested document of an Azure VM. `nowMs` in epoch ms. */
export function azureDocument(
  server: Pick<PlayedServer, 'id' | 'account'>,
  { nonce, nowMs, lifeMs = 6 * 3600 * 1000 }: { nonce: string; nowMs: number; lifeMs?: number },
  changes: Record<string, unknown> = {},
): string {
  const document = {
    licenseType: '',
    nonce,
    plan: { name: '', product: '', publisher: '' },
    sku: 'minimal',
    subscriptionId: server.account,
    timeStamp: { createdOn: azureTime(nowMs), expiresOn: azureTime(nowMs + lifeMs) },
    vmId: server.id,
    ...changes,
  };
  return JSON.stringify(document);
}

/** `11/28/26 00:16:17 -0000` */
function azureTime(ms: number): string {
  const [, year = '', month, day, time] =
    /^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)/.exec(new Date(ms).toISOString()) ?? [];
  return `${month}/${day}/${year} ${time} -0000`;
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
