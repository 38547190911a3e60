/**
 * Guests with a real agent: on each running instance an app on port 8080 that counts who holds its page open, and
 * vm-server as its agent, started from the instance's metadata as the startup script does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../free-port.ts';
import type { Instance } from './resources.ts';
import type { Guests } from './world.ts';

const VM_SERVER_FILE = resolve(import.meta.dirname, '../../../dist/vm-server.cjs');
const PORT = 8080;

interface Guest {
  app: Server;
  agent: ChildProcess | undefined;
  dir: string;
  stopped: boolean;
}

export interface AgentGuests extends Guests {
  close: () => void;
}

export function agentGuests(): AgentGuests {
  const guests = new Map<Instance, Guest>();
  const stopped = (instance: Instance): void => {
    const guest = guests.get(instance);
    guests.delete(instance);
    if (guest !== undefined) end(guest);
  };
  return {
    started: (instance) => {
      const dir = mkdtempSync(join(tmpdir(), 'eph-gce-'));
      const guest: Guest = { app: createServer(), agent: undefined, dir, stopped: false };
      guests.set(instance, guest);
      void boot(instance, guest).catch((error: unknown) => {
        process.stderr.write(`guest ${instance.name ?? ''}: ${String(error)}\n`);
      });
    },
    stopped,
    close: () => [...guests.keys()].forEach(stopped),
  };
}

function end(guest: Guest): void {
  guest.stopped = true;
  guest.app.close();
  guest.app.closeAllConnections();
  guest.agent?.kill('SIGKILL');
  rmSync(guest.dir, { recursive: true, force: true });
}

async function boot(instance: Instance, guest: Guest): Promise<void> {
  const attribute = (key: string): string | undefined =>
    instance.metadata?.items?.find((item) => item.key === key)?.value;
  const [apiUrl, secret] = [attribute('ephemera-api-url'), attribute('ephemera-agent-secret')];
  const localPort = await freePort();
  let held = 0;
  const tell = (): void => void put(localPort, held).catch(() => undefined);
  guest.app.on('request', (request, response) => {
    if (request.url !== '/hold') return void response.end(instance.name);
    held += 1;
    tell();
    response.write('held\n');
    response.on('close', () => {
      held -= 1;
      tell();
    });
  });
  guest.app.on('error', (error) => process.stderr.write(`guest app: ${error.message}\n`));
  guest.app.listen(PORT, instance.networkInterfaces?.[0]?.networkIP);
  if (apiUrl === undefined || secret === undefined || guest.stopped) return;
  const secretFile = join(guest.dir, 'secret');
  writeFileSync(secretFile, secret, { mode: 0o600 });
  const args = ['agent', '--api-url', apiUrl, '--secret-file', secretFile, '--local-port', `${localPort}`];
  guest.agent = spawn(process.execPath, [VM_SERVER_FILE, ...args], { stdio: 'ignore' });
  while (isWanted(guest) && !(await put(localPort, held).catch(() => false))) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function put(port: number, connections: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/connections`, { method: 'PUT', body: `${connections}` });
  return answer.ok;
}

function isWanted({ stopped }: Guest): boolean {
  return !stopped;
}
