import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import { randomBytes } from '../randomness.ts';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * What an agent keeps on its machine's disk for its next start, in files of mode 0600. With the key of the machine, which
 * is on no disk, they are sealed: whoever has a copy of the disk, such as another machine that begins with it, reads
 * nothing of them, and what is read was written by this machine.
 */
export class KeptFiles {
  readonly #dir: string;
  readonly #key: Buffer | null;

  /** `machineKey`: null where the disk is never copied, or nothing secret is kept. */
  constructor(dir: string, machineKey: string | null = null) {
    this.#dir = dir;
    this.#key = machineKey === null ? null : createHash('sha256').update(`kept files\0${machineKey}`).digest();
  }

  /** True where what is kept was surely written by this machine. */
  get sealed(): boolean {
    return this.#key !== null;
  }

  pathOf(name: string): string {
    return join(this.#dir, name);
  }

  /** The text of a file; undefined where there is none, or it is of another machine, which is removed. */
  read(name: string): string | undefined {
    const path = this.pathOf(name);
    let content: string;
    try {
      content = readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
    if (this.#key === null) return content;
    const opened = open(this.#key, name, content);
    if (opened === undefined) rmSync(path, { force: true });
    return opened;
  }

  /** Without a file nothing. */
  remove(name: string): void {
    rmSync(this.pathOf(name), { force: true });
  }

  /** Replaces the file whole or not at all. */
  write(name: string, text: string): void {
    replacePrivateFile(this.pathOf(name), this.#key === null ? text : seal(this.#key, name, text));
  }
}

function seal(key: Buffer, name: string, text: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(name));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

function open(key: Buffer, name: string, content: string): string | undefined {
  const bytes = Buffer.from(content, 'base64url');
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(name))
      .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
