/** The certificate files of the API, with a real server. */
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followCertificate, readCertificate } from '../../../lib/network/certificate-files.ts';
import { createHttpServer } from '../../../lib/network/http-server.ts';
import { TestAuthority } from '../../../test-support/certificate.ts';
import { tempDir } from '../../../test-support/vm-server-processes.ts';

let authority: TestAuthority;
let files: { certFile: string; keyFile: string };
beforeEach(() => {
  const dir = tempDir();
  authority = new TestAuthority();
  files = { certFile: join(dir, 'api.pem'), keyFile: join(dir, 'api.key') };
});
const API = { setting: 'EPHEMERA_API_TLS', who: 'the API' };
const unfollow: (() => void)[] = [];
afterEach(() => unfollow.splice(0).forEach((end) => end()));

function install(names: string): void {
  const { cert, key } = authority.certify(names);
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
}

async function namesShownAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const names = socket.getPeerCertificate().subjectaltname ?? '';
  socket.destroy();
  return names;
}

it('refuses a key of another certificate, and names the settings', () => {
  install('DNS:one.test');
  const { key } = authority.certify('DNS:two.test');
  writeFileSync(files.keyFile, key);
  expect(() => readCertificate(files, 'EPHEMERA_API_TLS')).toThrow(
    /EPHEMERA_API_TLS_CERT .*EPHEMERA_API_TLS_KEY .*cannot be used/,
  );
  rmSync(files.keyFile);
  expect(() => readCertificate(files, 'EPHEMERA_API_TLS')).toThrow(/cannot be used: ENOENT/);
});

it('shows a renewed certificate without a restart, and keeps the old one while the files do not fit', async () => {
  install('DNS:old.test');
  const inUse = readCertificate(files, 'EPHEMERA_API_TLS');
  const server = createHttpServer((_, response) => response.end(), { certificate: inUse });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const log = { info: vi.fn(), error: vi.fn() };
  unfollow.push(followCertificate([server], { files, ...API, inUse, log, lookEveryMs: 20 }), () => server.close());
  expect(await namesShownAt(port)).toBe('DNS:old.test');
  writeFileSync(files.keyFile, 'half written');
  await vi.waitFor(() => expect(log.error).toHaveBeenCalled());
  expect(await namesShownAt(port)).toBe('DNS:old.test');
  install('DNS:new.test');
  await vi.waitFor(async () => expect(await namesShownAt(port)).toBe('DNS:new.test'));
  expect(log.error).toHaveBeenCalledTimes(1);
});
