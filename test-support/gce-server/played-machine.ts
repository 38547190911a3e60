/**
 * A machine that runs the startup script of its instance with a real shell. Docker, iptables and the way to the metadata server
 * are played: containers stay on the disk of the machine, and what the agent's container would run runs here. So does the
 * program of a container image that the machine is given, with the image's files as its root, on the network of this computer.
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GuestContainer } from '../../domain/machine/guest-container.ts';
import { freePort } from '../free-port.ts';
import type { PlayedInstance } from './played-instance.ts';

/** A container image that is really run. */
export interface RunImage {
  /** Its files. */
  root: string;
  program: GuestContainer;
}

export interface MachineBoot {
  /** Docker keeps its containers there, each a directory with its label. */
  disk: string;
  /** By the name that `docker run` is given. */
  images?: Readonly<Record<string, RunImage>>;
}

export class PlayedMachine {
  /** What no disk has. */
  readonly memory: string;
  /** Of its agent, where a program says how many use it; after a boot. */
  agentPort = 0;
  readonly #directory: string;
  readonly #played: PlayedInstance;

  constructor(directory: string, played: PlayedInstance) {
    this.#directory = directory;
    this.#played = played;
    this.memory = join(directory, 'memory');
    for (const name of ['bin', 'memory', 'disk']) mkdirSync(join(directory, name), { recursive: true });
  }

  /** Runs the script as the machine with this disk does at a start, and resolves with what it asked of its programs. */
  async boot(script: string, { disk, images = {} }: MachineBoot): Promise<string[]> {
    const calls = join(this.#directory, 'calls');
    rmSync(calls, { force: true });
    this.agentPort = await freePort();
    this.#playIts({ disk, images });
    const env = { PATH: `${join(this.#directory, 'bin')}:${process.env['PATH'] ?? ''}` };
    await promisify(execFile)('sh', ['-c', script], { env });
    return readFileSync(calls, 'utf8').trim().split('\n');
  }

  /** What is in memory is gone. */
  powerOff(): void {
    for (const name of ['agent', 'app']) {
      const pidFile = join(this.memory, `${name}.pid`);
      // With its group: what unshare started as another user does not die with it.
      if (existsSync(pidFile)) kill(-Number(readFileSync(pidFile, 'utf8')));
    }
    rmSync(this.memory, { recursive: true, force: true });
    mkdirSync(this.memory);
  }

  /** What the program of the image printed. */
  output(): string {
    return readFileSync(join(this.memory, 'app.log'), 'utf8');
  }

  /** A program of the machine, played by JavaScript: `args` are its arguments. */
  #plays(name: string, body: string): void {
    const path = join(this.#directory, 'bin', name);
    writeFileSync(
      path,
      `#!${process.execPath}
const { spawn } = require('node:child_process');
const { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(join(this.#directory, 'calls'))}, [${JSON.stringify(name)}, ...args].join(' ') + '\\n');
${body}
`,
    );
    chmodSync(path, 0o755);
  }

  #playIts({ disk, images = {} }: MachineBoot): void {
    const { memory } = this;
    const containers = join(disk, 'docker');
    this.#plays('iptables', '');
    this.#plays(
      'curl',
      `const out = args.indexOf('-o');
const flavor = args.includes('-H') ? { 'metadata-flavor': 'Google' } : {};
fetch(args.at(-1).replace('http://metadata.google.internal', ${JSON.stringify(this.#played.url)}), { headers: flavor }).then(async (reply) => {
  if (!reply.ok) process.exit(22);
  const data = Buffer.from(await reply.arrayBuffer());
  if (out < 0) process.stdout.write(data);
  else writeFileSync(args[out + 1], data);
});`,
    );
    this.#plays(
      'docker',
      `const containerOf = (name) => ${JSON.stringify(`${containers}/`)} + name;
const images = ${JSON.stringify(images)};
const after = (option) => args[args.indexOf(option) + 1];
const last = args.at(-1);
switch (args[0]) {
  case 'inspect':
    if (!existsSync(containerOf(last))) process.exit(1);
    console.log(readFileSync(containerOf(last) + '/label', 'utf8'));
    break;
  case 'start':
    if (!existsSync(containerOf(last))) process.exit(1);
    break;
  case 'rm':
    rmSync(containerOf(last), { recursive: true, force: true });
    break;
  case 'run': {
    if (existsSync(containerOf(after('--name')))) process.exit(125);
    mkdirSync(containerOf(after('--name')), { recursive: true });
    writeFileSync(containerOf(after('--name')) + '/label', args.includes('--label') ? after('--label').split('=')[1] : '');
    if (images[last] !== undefined) runImage(images[last]);
    const node = args.indexOf('node');
    if (node < 0) break;
    const inside = (text) => text.replace(/^\\/ephemera\\b/, ${JSON.stringify(join(disk, 'state'))}).replace(/^\\/run\\/ephemera\\b/, ${JSON.stringify(memory)});
    const agent = args.slice(node + 1).map(inside);
    const child = spawn(process.execPath, [...agent, '--local-port', '${this.agentPort}'], { detached: true, stdio: 'ignore' });
    writeFileSync(${JSON.stringify(join(memory, 'agent.pid'))}, String(child.pid));
    child.unref();
  }
}
function runImage({ root, program }) {
  const given = readFileSync(after('--env-file'), 'utf8').split('\\n').filter(Boolean).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...program.env, ...Object.fromEntries(given) };
  const as = process.getuid() === 0 ? ['--setgid', program.gid, '--setuid', program.uid] : ['--map-root-user'];
  const inImage = ['--fork', '--pid', '--kill-child', ...as, '--root=' + root, '--wd=' + program.workdir, '--', ...program.command];
  const log = openSync(${JSON.stringify(join(memory, 'app.log'))}, 'a');
  const child = spawn('/usr/bin/unshare', inImage.map(String), { env, detached: true, stdio: ['ignore', log, log] });
  writeFileSync(${JSON.stringify(join(memory, 'app.pid'))}, String(child.pid));
  child.unref();
}`,
    );
  }
}

/** One that ended by itself is no failure of the test that ends it. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
