/** Writes the archives that Linux unpacks as its first file system ("newc"), devices included and without root. */

const TYPE = { directory: 0o040000, file: 0o100000, link: 0o120000, characterDevice: 0o020000 } as const;
const ALIGNMENT = 4;
const END = 'TRAILER!!!';

interface Entry {
  path: string;
  mode: number;
  content: Uint8Array;
  device: { major: number; minor: number };
}

const NO_DEVICE = { major: 0, minor: 0 };
const NO_CONTENT = new Uint8Array();

/** An archive under construction. Paths are relative; parents are added where they are missing. */
export class CpioArchive {
  readonly #entries = new Map<string, Entry>();

  directory(path: string): void {
    this.#add(path, TYPE.directory | 0o755, NO_CONTENT);
  }

  file(path: string, content: Uint8Array, permissions: number): void {
    this.#add(path, TYPE.file | permissions, content);
  }

  link(path: string, target: string): void {
    this.#add(path, TYPE.link | 0o777, Buffer.from(target));
  }

  characterDevice(path: string, major: number, minor: number): void {
    this.#add(path, TYPE.characterDevice | 0o600, NO_CONTENT, { major, minor });
  }

  /** The archive; the same entries give the same bytes. */
  bytes(): Buffer {
    const parts: Uint8Array[] = [];
    let inode = 1;
    const all = [...this.#entries.values(), { path: END, mode: 0, content: NO_CONTENT, device: NO_DEVICE }];
    for (const entry of all) {
      parts.push(...padded([header(entry, inode++), Buffer.from(`${entry.path}\0`)]));
      parts.push(...padded([entry.content]));
    }
    return Buffer.concat(parts);
  }

  #add(path: string, mode: number, content: Uint8Array, device = NO_DEVICE): void {
    const parent = path.split('/').slice(0, -1).join('/');
    if (parent !== '' && !this.#entries.has(parent)) this.directory(parent);
    this.#entries.set(path, { path, mode, content, device });
  }
}

function header({ path, mode, content, device }: Entry, inode: number): Buffer {
  const [uid, gid, links, modifiedAt, major, minor, checksum] = [0, 0, 1, 0, 0, 0, 0];
  const nameLength = Buffer.byteLength(path) + 1;
  const fields = [
    ...[inode, mode, uid, gid, links, modifiedAt, content.length, major, minor],
    ...[device.major, device.minor, nameLength, checksum],
  ];
  return Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
}

function padded(parts: Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const missing = (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
  return missing === 0 ? parts : [...parts, new Uint8Array(missing)];
}
