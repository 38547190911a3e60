/** The disk of a played server as files, for programs. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export type DiskFiles = Map<string, Buffer>;

export function attachDisk(disk: DiskFiles, dir: string): void {
  for (const [path, content] of disk) {
    const file = join(dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: 0o600 });
  }
}

/** What is on the disk when the power goes. */
export function detachDisk(disk: DiskFiles, dir: string): void {
  disk.clear();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && existsSync(file)) disk.set(relative(dir, file), readFileSync(file));
  }
}
