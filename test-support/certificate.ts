/** Certificates of their own for tests, made with openssl: only what is given them as an authority trusts them. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './vm-server-processes.ts';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class TestAuthority {
  readonly #dir = tempDir();
  readonly file = join(this.#dir, 'authority.pem');

  constructor() {
    const extensions = ['-addext', 'keyUsage=critical,keyCertSign'];
    const subject = ['-subj', '/CN=Authority of a test', '-keyout', 'authority.key', '-out', 'authority.pem'];
    this.#openssl('req', '-x509', ...NEW_KEY, ...subject, '-days', '2', ...extensions);
  }

  /** A certificate for names such as `IP:127.0.0.1`, and its key. */
  certify(names: string): { key: string; cert: string } {
    writeFileSync(join(this.#dir, 'names'), `subjectAltName=${names}\n`);
    this.#openssl('req', '-new', ...NEW_KEY, '-subj', '/CN=API of a test', '-keyout', 'api.key', '-out', 'api.csr');
    const signer = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-set_serial', '2', '-days', '2'];
    this.#openssl('x509', '-req', '-in', 'api.csr', ...signer, '-extfile', 'names', '-out', 'api.pem');
    const read = (file: string): string => readFileSync(join(this.#dir, file), 'utf8');
    return { key: read('api.key'), cert: read('api.pem') };
  }

  #openssl(...args: string[]): void {
    try {
      execFileSync('openssl', args, { cwd: this.#dir, stdio: 'pipe' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new Error('openssl is not installed: this test makes its certificates with it', { cause: error });
    }
  }
}
