/**
 * What users notice while a deployment is upgraded part by part: old and new code run beside each other on one Temporal
 * server, in each order of restarts. `npx tsx dev/upgrade-order.ts COMMIT [PART,PART,PART]...`; parts: host, control, api.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test-support/free-port.ts';
import { startTestServer, TEST_NAMESPACE, textOf, type TestServer } from '../test-support/temporal-server.ts';
import { coloured, duration, runScript, say, ScriptError } from '../commands/terminal/terminal.ts';

const ROOT = resolve(import.meta.dirname, '..');
/** What takes longer than this is told as "waits". */
const PATIENCE_MS = 20_000;
const START_MS = 90_000;
const BUILD_SCRIPTS = ['commands/start/build-vm-server.ts', 'scripts/build-vm-server.ts'];
const ORDERS = ['host,control,api', 'control,host,api', 'api,host,control'];

type PartName = 'host' | 'control' | 'api';

/** The commit's files, with the packages that are installed here. */
function checkoutOf(commit: string, folder: string): string {
  mkdirSync(folder);
  const files = execFileSync('git', ['archive', commit], { cwd: ROOT, maxBuffer: 256 * 1024 ** 2 });
  execFileSync('tar', ['x', '-C', folder], { input: files });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function buildMachineProgram(root: string): void {
  const script = BUILD_SCRIPTS.find((path) => existsSync(join(root, path)));
  if (script === undefined)
    throw new ScriptError('that commit builds its machine program in a way that is not known here');
  const build = `import(${JSON.stringify(join(root, script))}).then((built) => built.buildVmServer())`;
  execFileSync(process.execPath, ['--import', 'tsx', '-e', build], { cwd: root, stdio: 'pipe' });
}

/** One deployment, all of whose parts run the old code at first. */
class Trial {
  readonly #pids = new Map<PartName, number>();
  readonly #server: TestServer;
  readonly #stateDir: string;
  readonly #old: string;
  readonly #id = randomUUID().slice(0, 8);
  readonly #key = `test-${randomUUID()}`;
  #ports: { api: number; host: number; control: number } = { api: 0, host: 0, control: 0 };

  constructor(server: TestServer, stateDir: string, old: string) {
    this.#server = server;
    this.#stateDir = stateDir;
    this.#old = old;
  }

  async run(order: readonly PartName[]): Promise<void> {
    this.#ports = { api: await freePort(), host: await freePort(), control: await freePort() };
    try {
      for (const part of ['control', 'host', 'api'] as const) await this.#start(part, this.#old);
      for (const name of ['stays', ...order.map((_, at) => `goes-${at}`)]) await this.#create(name);
      await this.#look('all old', 'goes-x');
      for (const [at, part] of order.entries()) {
        await this.#stop(part);
        await this.#start(part, ROOT);
        await this.#look(`${order.slice(0, at + 1).join(', ')} new`, `goes-${at}`);
      }
      await this.#leaveNothing();
    } finally {
      for (const pid of this.#pids.values()) kill(pid, 'SIGKILL');
    }
  }

  /** What users see now: a VM that was there before, a new one, and the end of one. */
  async #look(when: string, ends: string): Promise<void> {
    const name = `new-${randomUUID().slice(0, 4)}`;
    const before = await this.#stateOf('stays');
    const made = await this.#times(async () => {
      await this.#call('POST', '/v1/vms', { name, template: 'chat' });
      return async () => (await this.#stateOf(name)) === 'running';
    });
    const ended = await this.#times(async () => {
      if (ends === 'goes-x') return () => Promise.resolve(true);
      await this.#call('DELETE', `/v1/vms/${ends}`);
      return async () => (await this.#stateOf(ends)) === 'destroyed';
    });
    say(`  ${when.padEnd(24)} VM of before: ${before}; create: ${made}; DELETE: ${ends === 'goes-x' ? '-' : ended}`);
  }

  async #times(begin: () => Promise<() => Promise<boolean>>): Promise<string> {
    const since = Date.now();
    const isDone = await begin();
    while (!(await isDone())) {
      if (Date.now() - since > PATIENCE_MS) return 'waits';
      await sleep(100);
    }
    return duration(Date.now() - since);
  }

  async #create(name: string): Promise<void> {
    await this.#call('POST', '/v1/vms', { name, template: 'chat' });
    const until = Date.now() + START_MS;
    while ((await this.#stateOf(name)) !== 'running') {
      if (Date.now() > until) throw new Error(`${name} does not run before the upgrade`);
      await sleep(100);
    }
  }

  /** What waited goes on once all is new; then everything ends, and no machine is left. */
  async #leaveNothing(): Promise<void> {
    const { vms } = (await this.#call('GET', '/v1/vms')) as { vms: { name: string }[] };
    for (const { name } of vms) await this.#call('DELETE', `/v1/vms/${name}`);
    const left = await this.#times(() =>
      Promise.resolve(async () => {
        const states = await Promise.all(vms.map(({ name }) => this.#stateOf(name)));
        return states.every((state) => state === 'destroyed' || state === 'failed' || state === 'none');
      }),
    );
    say(`  all VMs end: ${left}`);
  }

  async #stateOf(name: string): Promise<string> {
    const answer = (await this.#call('GET', `/v1/vms/${name}?fresh=true`)) as { state?: string };
    return answer.state ?? 'none';
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.api}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.json();
  }

  async #start(part: PartName, root: string): Promise<void> {
    const log = join(this.#stateDir, `${part}.log`);
    const before = await this.#readySigns(part, log);
    const output = await open(log, 'a');
    const script = part === 'api' ? 'api/main.ts' : 'worker/main.ts';
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      ...{ cwd: root, env: this.#environment(part), stdio: ['ignore', output.fd, output.fd] },
    });
    await output.close();
    if (child.pid !== undefined) this.#pids.set(part, child.pid);
    const until = Date.now() + START_MS;
    while ((await this.#readySigns(part, log)) === before) {
      if (Date.now() > until || child.exitCode !== null) {
        throw new Error(`${part} does not start:\n${(await textOf(log)).slice(-3000)}`);
      }
      await sleep(100);
    }
  }

  async #readySigns(part: PartName, log: string): Promise<number> {
    if (part !== 'api') return (await textOf(log)).split('the worker polls').length;
    const ready = await fetch(`http://127.0.0.1:${this.#ports.api}/readyz`).catch(() => undefined);
    return ready?.ok ? 1 : 0;
  }

  async #stop(part: PartName): Promise<void> {
    const pid = this.#pids.get(part) ?? 0;
    kill(pid, 'SIGTERM');
    const until = Date.now() + PATIENCE_MS;
    while (kill(pid, 0)) {
      if (Date.now() > until) kill(pid, 'SIGKILL');
      await sleep(50);
    }
  }

  #environment(part: PartName): NodeJS.ProcessEnv {
    const { api, host, control } = this.#ports;
    return {
      ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], TEMPORAL_ADDRESS: this.#server.address },
      ...{ TEMPORAL_NAMESPACE: TEST_NAMESPACE, EPHEMERA_STATE_DIR: this.#stateDir, EPHEMERA_API_KEY: this.#key },
      ...{ EPHEMERA_DEPLOYMENT: `test-${this.#id}`, EPHEMERA_CONTROL_TASK_QUEUE: `test-${this.#id}` },
      ...{ EPHEMERA_INTERNAL_PORT: `${part === 'control' ? control : host}`, EPHEMERA_API_PORT: `${api}` },
      EPHEMERA_API_URL: `http://127.0.0.1:${api}`,
      ...(part === 'api' ? {} : { EPHEMERA_WORKER_ROLES: part }),
    };
  }
}

/** False: it does not run. */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function main(): Promise<void> {
  const [commit, ...orders] = process.argv.slice(2);
  if (commit === undefined) throw new ScriptError('npx tsx dev/upgrade-order.ts COMMIT [host,control,api]...');
  const scratch = mkdtempSync(join(tmpdir(), 'eph-upgrade-'));
  const server = await startTestServer();
  try {
    const old = checkoutOf(commit, join(scratch, 'old'));
    for (const root of [old, ROOT]) buildMachineProgram(root);
    for (const order of orders.length === 0 ? ORDERS : orders) {
      say(`\n${coloured(`${commit} -> this checkout, in the order ${order}`, 'bold')}`);
      const trial = new Trial(server, mkdtempSync(join(scratch, 'state-')), old);
      await trial.run(order.split(',') as PartName[]);
    }
  } finally {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

await runScript(main);
