/**
 * The startup script of the control VM, run by a real shell with real openssl, tar and sha256sum. Google, the package
 * managers and systemd are played by the test; the certificate is then used by a real server.
 */
import { createHash } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { loadSettings } from '../../../config/load-settings.ts';
import { TestAuthority } from '../../../test-support/certificate.ts';
import { tempDir } from '../../../test-support/vm-server-processes.ts';

const TEMPLATE = readFileSync(resolve(import.meta.dirname, '../../../deploy/gcp/control-startup.sh.tftpl'), 'utf8');
const SECRET_KEY = 'ab'.repeat(32);

let root: string;
let archive: Buffer;
beforeEach(() => {
  root = tempDir();
  for (const dir of ['bin', 'secrets', 'etc/systemd/system', 'var/lib/ephemera'])
    mkdirSync(join(root, dir), { recursive: true });
  writeFileSync(join(root, 'secrets', 'deployment'), SECRET_KEY);
  archive = releaseOf('first release');
  playGoogle();
  for (const name of ['apt-get', 'useradd', 'npm', 'npx', 'chown', 'systemctl']) plays(name, '');
});

/** A program of the VM, played by JavaScript: `args` are its arguments. */
function plays(name: string, body: string): void {
  const path = join(root, 'bin', name);
  const calls = JSON.stringify(join(root, 'calls'));
  const begin = `const args = process.argv.slice(2);\nfs.appendFileSync(${calls}, ['${name}', ...args].join(' ') + '\\n');`;
  writeFileSync(path, `#!${process.execPath}\nconst fs = require('node:fs');\n${begin}\n${body}\n`);
  chmodSync(path, 0o755);
}

/** curl, as far as the script asks: the release, the metadata server's token, and Secret Manager with its versions. */
function playGoogle(): void {
  plays(
    'curl',
    `const url = args.find((arg) => /^https?:/.test(arg));
const option = (name) => args[args.indexOf(name) + 1];
const answer = (data, status = 200) => {
  if (status >= 400 && args.some((arg) => /^-f/.test(arg))) process.exit(22);
  if (args.includes('-o')) fs.writeFileSync(option('-o'), data);
  else process.stdout.write(data);
};
const root = ${JSON.stringify(root)};
if (url === 'https://releases.example.test/ephemera.tar.gz') return answer(fs.readFileSync(root + '/release'));
if (url.startsWith('http://metadata.google.internal/')) return answer(JSON.stringify({ access_token: 'the-token' }));
const header = fs.readFileSync(option('-H').slice(1), 'utf8');
if (header !== 'Authorization: Bearer the-token\\n') process.exit(9);
if (fs.existsSync(root + '/no-secret-manager')) return answer(JSON.stringify({ error: { code: 503, message: 'later' } }), 503);
const [, name, verb] = /projects\\/p\\/secrets\\/([\\w-]+)(:addVersion|\\/versions\\/latest:access)$/.exec(url);
const file = root + '/secrets/' + name;
if (verb === ':addVersion') {
  fs.writeFileSync(file, Buffer.from(JSON.parse(fs.readFileSync(0)).payload.data, 'base64'));
  fs.appendFileSync(root + '/versions', name + '\\n');
  return answer('{}');
}
if (!fs.existsSync(file)) return answer(JSON.stringify({ error: { code: 404, message: 'no version' } }), 404);
answer(JSON.stringify({ payload: { data: fs.readFileSync(file).toString('base64') } }));`,
  );
}

function releaseOf(text: string): Buffer {
  const dir = tempDir();
  mkdirSync(join(dir, 'ephemera-1'));
  writeFileSync(join(dir, 'ephemera-1', 'release.txt'), text);
  return execFileSync('tar', ['-cz', '-C', dir, 'ephemera-1']);
}

/** The script as Terraform renders it, with everything that it writes below the directory of the test. */
function script(): string {
  const values: Record<string, string> = {
    ...{ release_url: 'https://releases.example.test/ephemera.tar.gz', release_sha256: sha256(archive) },
    ...{ project: 'p', deployment: 'blue', zones: 'us-central1-a', api_address: '127.0.0.1' },
    ...{ networks: 'projects/p/regions/us-central1/subnetworks/ephemera-blue', external_ips: 'never' },
    ...{ machine_types: 'e2-*,n2-standard-4', machine_service_account: 'vm@p.iam.gserviceaccount.com' },
    ...{ tls_secret: 'api-tls', certificate_secret: 'api-certificate', vm_server_url: '' },
    ...{ temporal_address: 'temporal.example.test:7233', temporal_namespace: 'ephemera' },
    ...{ temporal_api_key_secret: '', deployment_secret: 'deployment' },
  };
  return TEMPLATE.replaceAll(/^%\{ if (\w+) != "" ~\}\n([^]*?)^%\{ endif ~\}\n/gm, (_, name: string, lines: string) =>
    values[name] === '' ? '' : lines,
  )
    .replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values[name] ?? `no value for ${name}`)
    .replaceAll(/(?<![\w/])\/(opt|etc|var\/lib)(?=[\s/"])/g, `${root}/$1`);
}

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

function boot(sent: Buffer = archive) {
  writeFileSync(join(root, 'release'), sent);
  const env = { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`, TMPDIR: root };
  return spawnSync('sh', ['-c', script()], { env, encoding: 'utf8' });
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const calls = (): string => read('calls');

it('runs the release whose hash it was told, and leaves what runs alone when another one arrives', () => {
  const first = boot();
  expect(first.status, first.stderr).toBe(0);
  expect(read('opt/ephemera/release.txt')).toBe('first release');
  const restarts = calls().split('systemctl restart').length;
  const forged = boot(releaseOf('forged'));
  expect(forged.status).not.toBe(0);
  expect(forged.stderr).toContain('release_sha256');
  expect(read('opt/ephemera/release.txt')).toBe('first release');
  expect(calls().split('systemctl restart')).toHaveLength(restarts);
  archive = releaseOf('second release');
  expect(boot().status).toBe(0);
  expect(read('opt/ephemera/release.txt')).toBe('second release');
});

it('makes a certificate of its own once, and keeps it over a new VM', () => {
  expect(boot().stderr).toBe('');
  const [key, cert] = [read('etc/ephemera/tls/key.pem'), read('etc/ephemera/tls/cert.pem')];
  expect(read('versions')).toBe('api-tls\napi-certificate\n');
  expect(read('secrets/api-certificate')).toBe(cert);
  expect(read('secrets/api-certificate')).not.toContain('PRIVATE');
  execFileSync('rm', ['-rf', join(root, 'etc/ephemera'), join(root, 'opt')]);
  expect(boot().stderr).toBe('');
  expect([read('etc/ephemera/tls/key.pem'), read('etc/ephemera/tls/cert.pem')]).toEqual([key, cert]);
  expect(read('versions')).toBe('api-tls\napi-certificate\n');
  // Not knowing is not the same as not having: machines trust the one that was kept.
  writeFileSync(join(root, 'no-secret-manager'), '');
  expect(boot().status).not.toBe(0);
  expect(read('etc/ephemera/tls/cert.pem')).toBe(cert);
});

it('makes another certificate when the API moved to another address', () => {
  const { key, cert } = new TestAuthority().certify('IP:10.9.9.9');
  writeFileSync(join(root, 'secrets', 'api-tls'), key + cert);
  expect(boot().status).toBe(0);
  expect(read('versions')).toBe('api-tls\napi-certificate\n');
});

it('gives API and worker settings that are right, TLS that works, and shows no secret on a command line', async () => {
  expect(boot().status).toBe(0);
  const lines = read('etc/ephemera/environment').trim().split('\n');
  const env = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const settings = loadSettings({ argv: [], env, cwd: root });
  expect(settings).toMatchObject({
    api: { url: 'https://127.0.0.1:7400', caFile: join(root, 'etc/ephemera/tls/cert.pem') },
    providerSettings: {
      gcp: {
        rules: {
          networks: ['projects/p/regions/us-central1/subnetworks/ephemera-blue'],
          externalIp: 'never',
          machineTypes: ['e2-*', 'n2-standard-4'],
        },
      },
    },
    secretKey: SECRET_KEY,
  });
  const { certFile, keyFile } = settings.api.tls!;
  expect(statSync(keyFile).mode & 0o007).toBe(0);
  expect(statSync(join(root, 'etc/ephemera/environment')).mode & 0o077).toBe(0);
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_, answer) =>
    answer.end('fine'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: '127.0.0.1', port, ca: readFileSync(settings.api.caFile!), agent: false }).end();
  const [reply] = (await once(asked, 'response')) as [{ statusCode: number; resume: () => void }];
  reply.resume();
  expect(reply.statusCode).toBe(200);
  server.close();
  expect(calls()).not.toMatch(new RegExp(`the-token|${SECRET_KEY}|PRIVATE`));
  expect(existsSync(join(root, 'etc/systemd/system/ephemera-api.service'))).toBe(true);
});
