/** Starts vm-server as a real process for the tests, and plays the host on its link. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { expect, onTestFinished, vi } from 'vitest';
import { machineLabels } from '../domain/machine/owner.ts';
import { parseAgentReport, type AgentCommand, type AgentReport } from '../domain/agent/protocol.ts';
import { LOCAL_MACHINE_FILE, type LocalMachineAddress, type LocalManifest } from '../domain/machine/local-machine.ts';
import { buildVmServer } from '../commands/start/build-vm-server.ts';

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'vm-server-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A running vm-server; `output` is what it wrote so far. It is killed when the test is over. */
export interface VmServer {
  process: ChildProcess;
  exitCode: Promise<number | null>;
  output: () => string;
}

export async function startVmServer(...args: string[]): Promise<VmServer> {
  const program = await buildVmServer();
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exitCode;
  });
  return { process: child, exitCode, output: () => output };
}

export interface TestMachine {
  dir: string;
  manifest: LocalManifest;
  socketPath: string;
  start: () => Promise<VmServer>;
  /** The address once the machine has printed it. */
  address: () => Promise<LocalMachineAddress>;
}

/** A machine's directory with its manifest, not yet started. */
export function newMachine(overrides: Partial<LocalManifest> = {}): TestMachine {
  const dir = tempDir();
  const machineId = `m-${randomUUID()}`;
  const socketPath = join(dir, 'agent.sock');
  const manifest: LocalManifest = {
    labels: machineLabels({ deployment: 'test', machineId, owner: 'vm/default/test' }),
    createdAt: Date.now(),
    host: 'test-host',
    ports: [{ name: 'http', port: 8080, protocol: 'tcp' }],
    env: {},
    tombstonePath: join(dir, 'tombstone'),
    link: { kind: 'unix', socketPath },
    ...overrides,
  };
  writeFileSync(join(dir, LOCAL_MACHINE_FILE.manifest), JSON.stringify(manifest), { mode: 0o600 });
  return {
    dir,
    manifest,
    socketPath,
    start: () => startVmServer('machine', '--dir', dir),
    address: () => eventually(() => readJson(dir, LOCAL_MACHINE_FILE.address) as LocalMachineAddress),
  };
}

export function readJson(dir: string, file: string): unknown {
  return JSON.parse(readFileSync(join(dir, file), 'utf8'));
}

/** Waits until `read` no longer throws. */
export function eventually<T>(read: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(read, { timeout: 15_000, interval: 10 });
}

/** The host's end of an agent's unix socket. */
export class HostEnd {
  readonly socket: Socket;
  readonly reports: AgentReport[] = [];
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => socket.destroy());
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.reports.push(parseAgentReport(JSON.parse(line))!);
    });
    onTestFinished(() => void socket.destroy());
  }

  static connect(socketPath: string): Promise<HostEnd> {
    return eventually(
      () =>
        new Promise<HostEnd>((resolve, reject) => {
          const socket = connect(socketPath, () => resolve(new HostEnd(socket)));
          socket.once('error', reject);
        }),
    );
  }

  send(command: AgentCommand): void {
    this.socket.write(`${JSON.stringify(command)}\n`);
  }

  get counts(): number[] {
    return this.reports.map(({ connections }) => connections);
  }

  last(): AgentReport | undefined {
    return this.reports.at(-1);
  }

  /** Resolves with the first report that is as wanted. */
  report(wanted: (report: AgentReport) => boolean): Promise<AgentReport> {
    return eventually(() => {
      const found = this.reports.find(wanted);
      expect(found, `among ${JSON.stringify(this.reports)}`).toBeDefined();
      return found!;
    });
  }
}

/** Somebody in a chat room. */
export class ChatClient {
  readonly socket: WebSocket;
  readonly messages: Record<string, unknown>[] = [];
  readonly closed: Promise<number>;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse((data as Buffer).toString('utf8')) as Record<string, unknown>);
    });
    onTestFinished(() => this.socket.terminate());
  }

  static async join({ ip, ports }: LocalMachineAddress, room: string, name?: string): Promise<ChatClient> {
    const query = name === undefined ? '' : `?name=${encodeURIComponent(name)}`;
    const client = new ChatClient(`ws://${ip}:${ports[0]!.port}/rooms/${room}${query}`);
    await new Promise<void>((resolve, reject) => {
      client.socket.once('open', () => resolve());
      client.socket.once('error', reject);
    });
    return client;
  }

  say(text: string): void {
    this.socket.send(JSON.stringify({ type: 'message', text }));
  }

  hears(part: Record<string, unknown>): Promise<void> {
    return eventually(() => expect(this.messages).toContainEqual(expect.objectContaining(part)));
  }
}
