/**
 * Guests with a real agent: on each running instance an app on port 8080 that counts who holds its page open, and
 * vm-server as its agent, started from the instance's metadata as the startup script does. Or, with `app: chat`, vm-server is
 * both, as on the image of the built-in template.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { attachDisk, detachDisk } from '../clouds/guest-disk.ts';
import { HeldApp } from '../clouds/held-app.ts';
import { freePort } from '../free-port.ts';
import { serveMetadata, type GuestMetadata } from './guest-metadata.ts';
import type { DiskFiles, Instance } from './resources.ts';
import type { Guests } from './model.ts';

const VM_SERVER_FILE = resolve(import.meta.dirname, '../../dist/vm-server.cjs');

interface Guest {
  app: HeldApp | undefined;
  agent: ChildProcess | undefined;
  metadata: GuestMetadata | undefined;
  /** Its boot disk, as long as it runs. */
  dir: string;
  /** What is in memory. */
  memory: string;
  disk: DiskFiles;
  stopped: boolean;
}

export interface AgentGuests extends Guests {
  close: () => void;
}

export function agentGuests({ app = 'played' }: { app?: 'played' | 'chat' } = {}): AgentGuests {
  const guests = new Map<Instance, Guest>();
  const stopped = (instance: Instance): void => {
    const guest = guests.get(instance);
    guests.delete(instance);
    if (guest !== undefined) end(guest);
  };
  return {
    started: (instance, disk) => {
      const [dir, memory] = ['eph-gce-disk-', 'eph-gce-memory-'].map((name) => mkdtempSync(join(tmpdir(), name)));
      const parts = { app: undefined, agent: undefined, metadata: undefined };
      const guest: Guest = { ...parts, dir: dir!, memory: memory!, disk, stopped: false };
      attachDisk(disk, guest.dir);
      guests.set(instance, guest);
      const booted = app === 'chat' ? bootChat(instance, guest) : boot(instance, guest);
      void booted.catch((error: unknown) => {
        process.stderr.write(`guest ${instance.name ?? ''}: ${String(error)}\n`);
      });
    },
    stopped,
    close: () => [...guests.keys()].forEach(stopped),
  };
}

function end(guest: Guest): void {
  guest.stopped = true;
  guest.app?.close();
  guest.agent?.kill('SIGKILL');
  guest.metadata?.close();
  detachDisk(guest.disk, guest.dir);
  for (const dir of [guest.dir, guest.memory]) rmSync(dir, { recursive: true, force: true });
}

async function boot(instance: Instance, guest: Guest): Promise<void> {
  const attribute = (key: string): string | undefined =>
    instance.metadata?.items?.find((item) => item.key === key)?.value;
  const apiUrl = attribute('ephemera-api-url');
  const localPort = await freePort();
  if (guest.stopped) return;
  const ip = instance.networkInterfaces?.[0]?.networkIP;
  guest.app = new HeldApp(instance.name ?? '', ip === undefined ? [] : [ip], localPort);
  if (apiUrl === undefined) return;
  const [secretFile, keyFile] = ['agent-secret', 'machine-key'].map((name) => {
    const file = join(guest.memory, name);
    writeFileSync(file, attribute(`ephemera-${name}`) ?? '', { mode: 0o600 });
    return file;
  });
  const kept = ['--state-dir', join(guest.dir, 'var/lib/ephemera'), '--machine-key-file', keyFile!];
  const secret = ['--secret-file', secretFile!];
  if (attribute('startup-script')?.includes('--secret-from gce') === true) {
    guest.metadata = await serveMetadata(instance);
    secret.push('--secret-from', 'gce', '--metadata-url', guest.metadata.url);
  }
  if (!isWanted(guest)) {
    guest.metadata?.close();
    return;
  }
  const args = ['agent', '--api-url', apiUrl, ...secret, ...kept, '--local-port', `${localPort}`];
  // A startup script of a test writes where it is: on the disk.
  guest.agent = spawn(process.execPath, [VM_SERVER_FILE, ...args], { stdio: 'ignore', cwd: guest.dir });
  await guest.app.tellUntilHeard();
}

async function bootChat(instance: Instance, guest: Guest): Promise<void> {
  const localPort = await freePort();
  guest.metadata = await serveMetadata(instance);
  if (!isWanted(guest)) {
    guest.metadata.close();
    return;
  }
  const host = instance.networkInterfaces?.[0]?.networkIP ?? '';
  const kept = ['--state-dir', join(guest.dir, 'var/lib/ephemera'), '--local-port', `${localPort}`];
  const args = ['gce', '--metadata-url', guest.metadata.url, '--host', host, ...kept];
  guest.agent = spawn(process.execPath, [VM_SERVER_FILE, ...args], { stdio: 'ignore', cwd: guest.dir });
}

function isWanted({ stopped }: Guest): boolean {
  return !stopped;
}
