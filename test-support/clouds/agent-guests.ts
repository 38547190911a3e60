/**
 * Guests that boot as servers of a cloud do: cloud-init's boot hook of their user data runs at every start, with a real shell, and
 * starts vm-server as its agent beside a played app on port 8080; or, with `app: chat`, vm-server is both, as on the image
 * of the built-in template. What each server is told it asks its own metadata service.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { freePort } from '../free-port.ts';
import { attachDisk, detachDisk } from './guest-disk.ts';
import { serveMetadata, type GuestMetadata, type GuestPlatform, type SignIdentity } from './guest-metadata.ts';
import type { CloudGuests, PlayedServer } from './guests.ts';
import { HeldApp } from './held-app.ts';
import { partsOfUserData } from './user-data.ts';

const VM_SERVER_FILE = resolve(import.meta.dirname, '../../dist/vm-server.cjs');
const PORT = 8080;
const RESTART_MS = 500;
const STARTS_CHAT = /^exec node (\S*\/vm-server\.cjs) (ec2|azure|digitalocean)$/m;

export interface AgentGuestsOptions {
  app?: 'played' | 'chat';
  /** Vouches for the servers; absent: nobody does. */
  sign?: SignIdentity;
}

export function agentGuests(platform: GuestPlatform, { app = 'played', sign }: AgentGuestsOptions = {}): CloudGuests {
  const guests = new Map<string, Guest>();
  const stopped = (id: string): void => {
    guests.get(id)?.end();
    guests.delete(id);
  };
  return {
    started: (server) => {
      stopped(server.id);
      const guest = new Guest(server, { platform, app, sign });
      guests.set(server.id, guest);
      void guest.boot().catch((error: unknown) => {
        process.stderr.write(`guest ${server.name}: ${String(error)}\n`);
      });
    },
    stopped,
    close: () => [...guests.keys()].forEach(stopped),
  };
}

interface GuestOptions {
  platform: GuestPlatform;
  app: 'played' | 'chat';
  sign: SignIdentity | undefined;
}

class Guest {
  readonly #server: PlayedServer;
  readonly #options: GuestOptions;
  /** Its disk, as long as it runs. */
  readonly #dir = mkdtempSync(join(tmpdir(), 'eph-guest-disk-'));
  /** What is in memory. */
  readonly #memory = mkdtempSync(join(tmpdir(), 'eph-guest-memory-'));
  #metadata: GuestMetadata | undefined;
  #app: HeldApp | undefined;
  #relays: Server[] = [];
  #program: ChildProcess | undefined;
  #ended = false;

  constructor(server: PlayedServer, options: GuestOptions) {
    this.#server = server;
    this.#options = options;
    attachDisk(server.disk, this.#dir);
  }

  async boot(): Promise<void> {
    const { platform, app, sign } = this.#options;
    const { name, ips, userData } = this.#server;
    this.#keepUserData(userData);
    const localPort = await freePort();
    if (!this.#isWanted()) return;
    if (app === 'played') this.#app = new HeldApp(name, ips, localPort);
    const metadata = await serveMetadata(platform, this.#server, sign);
    this.#metadata = metadata;
    if (this.#ended) {
      metadata.close();
      return;
    }
    for (const part of partsOfUserData(userData)) {
      if (part.startsWith('#cloud-boothook')) this.#runsHook(part);
    }
    const script = this.#script(localPort, metadata.url);
    if (script === undefined) return;
    this.#runs(script);
    await this.#app?.tellUntilHeard();
  }

  end(): void {
    this.#ended = true;
    this.#app?.close();
    for (const relay of this.#relays) relay.close();
    this.#program?.kill('SIGKILL');
    this.#metadata?.close();
    detachDisk(this.#server.disk, this.#dir);
    for (const dir of [this.#dir, this.#memory]) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }

  #isWanted(): boolean {
    return !this.#ended;
  }

  /** cloud-init keeps what it was given on the disk. */
  #keepUserData(userData: string): void {
    const file = join(this.#dir, 'var/lib/cloud/instance/user-data.txt');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, userData, { mode: 0o600 });
  }

  /** All but its last step, which starts the script beside the boot. */
  #runsHook(hook: string): void {
    const text = this.#here(hook).replace(/\bsetsid sh \S+/, 'true');
    execFileSync('sh', ['-c', text], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** What this guest starts; undefined where it was told of no API. */
  #script(localPort: number, metadataUrl: string): string | undefined {
    const { platform, app } = this.#options;
    const file = join(this.#memory, 'start');
    if (!existsSync(join(this.#memory, 'attributes/ephemera-api-url'))) return undefined;
    // Without a script the image starts vm-server by itself.
    const written = existsSync(file) ? readFileSync(file, 'utf8') : `exec node ${VM_SERVER_FILE} ${platform}`;
    const places = `--metadata-url ${metadataUrl} --local-port ${localPort}`;
    const chat = STARTS_CHAT.exec(written);
    if (chat !== null && app === 'chat') {
      const [main = '127.0.0.1', ...others] = this.#server.ips.toReversed();
      for (const ip of others) this.#relaysTo(main, ip);
      const kept = `--state-dir ${this.#dir}/var/lib/ephemera --attributes ${this.#memory}/attributes`;
      return written.replace(STARTS_CHAT, `$& ${places} --host ${main} ${kept}`);
    }
    if (chat !== null) return written.replace(STARTS_CHAT, this.#agentLines(chat[1]!, places, metadataUrl));
    return written
      .replace(/(identity \w+ --dir '[^']+')/, `$1 --metadata-url ${metadataUrl}`)
      .replace(/^(exec node \S+ agent .*)$/m, `$1 ${places}`)
      .replace(/ --(count|ready)-port \d+/g, '');
  }

  /** The agent of the played app, which is in the chat's place. */
  #agentLines(vmServer: string, places: string, metadataUrl: string): string {
    const { platform } = this.#options;
    const memory = this.#memory;
    const ca = existsSync(join(memory, 'attributes/ephemera-api-ca'))
      ? ` --ca-file ${memory}/attributes/ephemera-api-ca`
      : '';
    const kept = `--state-dir ${this.#dir}/var/lib/ephemera --machine-key-file ${memory}/machine-key`;
    return `mkdir -p ${this.#dir}/var/lib/ephemera
node ${vmServer} identity ${platform} --dir ${memory} --metadata-url ${metadataUrl}
proof=--${platform}
if [ -e ${memory}/agent-secret ]; then proof='--secret-file ${memory}/agent-secret --secret-from ${platform}'; fi
exec node ${vmServer} agent --api-url "$(cat ${memory}/attributes/ephemera-api-url)"${ca} $proof ${kept} ${places}`;
  }

  /** Where on this computer the guest has what the text names. */
  #here(text: string): string {
    return text
      .replaceAll('/run/systemd/system', `${this.#memory}/no-systemd`)
      .replaceAll('/run/cloud-init', `${this.#memory}/cloud-init`)
      .replaceAll('/var/lib/cloud/', `${this.#dir}/var/lib/cloud/`)
      .replaceAll('/dev/console', `${this.#memory}/console`)
      .replaceAll('/run/ephemera', this.#memory)
      .replaceAll('/opt/ephemera', `${this.#dir}/opt/ephemera`)
      .replaceAll('/var/lib/ephemera', `${this.#dir}/var/lib/ephemera`);
  }

  /** As systemd does it: what fails is run again. */
  #runs(script: string): void {
    if (this.#ended) return;
    // A startup script of a test writes where it is: on the disk.
    this.#program = spawn('sh', ['-c', script], { stdio: 'ignore', cwd: this.#dir, env: guestEnvironment() });
    this.#program.on('exit', (code) => {
      if (code !== 0 && !this.#ended) setTimeout(() => this.#runs(script), RESTART_MS);
    });
  }

  #relaysTo(main: string, ip: string): void {
    const relay = createServer((socket) => {
      const inner = connect(PORT, main);
      socket.pipe(inner).pipe(socket);
      for (const end of [socket, inner]) end.on('error', () => [socket, inner].forEach((one) => one.destroy()));
    });
    relay.on('error', (error) => process.stderr.write(`guest relay: ${error.message}\n`));
    this.#relays.push(relay.listen(PORT, ip));
  }
}

/** The Node.js of the tests; nothing that they were told. */
function guestEnvironment(): NodeJS.ProcessEnv {
  return { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
}
