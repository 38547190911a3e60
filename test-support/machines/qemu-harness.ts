/** Real guests in a state directory of their own, for one test. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import type { CreateMachineRequest, Machine } from '../../domain/machine/provider.ts';
import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { QemuImage } from '../../providers/qemu/image/image-files.ts';
import { createQemuProvider, type QemuProviderOptions } from '../../providers/qemu/qemu-provider.ts';
import { ensureImage } from './guest-image.ts';
import { chatSpec, machineRequest } from './local-harness.ts';
import type { ProviderHarness } from './provider-contract.ts';

const never = { signal: new AbortController().signal };
const MAKER = fileURLToPath(new URL('qemu-create-elsewhere.ts', import.meta.url));
/** From the start of a guest to its app's first answer, under software emulation beside other tests. */
export const BOOT_MS = 90_000;

/** Why no guest can run here, or undefined when one can. In CI a missing QEMU is a failure, so nothing is skipped. */
export function whyNoGuests(): string | undefined {
  if (process.env['CI'] || spawnSync('qemu-system-x86_64', ['--version']).status === 0) return undefined;
  const why = 'guests are not tested here: install QEMU (apt-get install qemu-system-x86), or set CI=true to insist';
  console.warn(`\n! ${why}\n`);
  return why;
}

/** The spec of the built-in chat as a virtual machine. */
export function guestSpec(overrides: Partial<VmSpec> = {}): VmSpec {
  return chatSpec({ provider: 'qemu', ...overrides });
}

export function guestRequest(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  return machineRequest({ spec: guestSpec(), ...overrides });
}

export interface QemuHarness extends ProviderHarness {
  options: QemuProviderOptions;
  dirOf: (machineId: string) => string;
}

export async function qemuHarness(
  image: QemuImage,
  overrides: Partial<QemuProviderOptions> = {},
): Promise<QemuHarness> {
  const stateDir = overrides.stateDir ?? (await mkdtemp(join(tmpdir(), 'eph-')));
  const options: QemuProviderOptions = {
    stateDir,
    deployment: 'test',
    hostId: 'here',
    image,
    ...overrides,
  };
  const children: ChildProcess[] = [];
  const dirOf = (machineId: string): string => join(stateDir, 'machines-qemu', machineId);
  const refused = (what: string, spec: Partial<VmSpec>, code: ProviderErrorCode) => ({
    what,
    request: guestRequest({ spec: guestSpec(spec) }),
    code,
  });
  return {
    options,
    dirOf,
    provider: createQemuProvider(options),
    restarted: () => createQemuProvider(options),
    ofAnotherDeployment: () => createQemuProvider({ ...options, deployment: 'other' }),
    request: guestRequest,
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused: () => [
      refused('image', { image: 'win95' }, 'imageUnknown'),
      refused('egress', { egress: true }, 'networkUnavailable'),
      refused('external address', { externalIp: true }, 'badSpec'),
      refused('provider', { provider: 'local' }, 'badSpec'),
      refused('memory', { memoryMb: 128 }, 'memoryTooSmall'),
      refused('low port', { ports: [{ name: 'web', port: 80, protocol: 'tcp' }] }, 'badSpec'),
    ],
    countRunning: async (machineId) => (await processesOf(dirOf(machineId))).length,
    askMachine: askPort,
    crash: async (machineId) => {
      for (const pid of await processesOf(dirOf(machineId))) process.kill(pid, 'SIGKILL');
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const deployment of ['test', 'other']) {
        const provider = createQemuProvider({ ...options, deployment });
        for (const { machineId } of await provider.list(never)) await provider.destroy(machineId, never);
      }
      await rm(stateDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What every test of a suite of guests finds. */
export interface GuestSetUp {
  /** The image as it is built. */
  readonly built: QemuImage;
  /** The test's own; removed after it. */
  readonly directory: string;
  /** A provider whose guests are gone after the test. */
  start: (image: QemuImage, overrides?: Partial<QemuProviderOptions>) => Promise<QemuHarness>;
}

/** For a `describe`: builds the image before its tests, and clears away after each what that one made. */
export function setUpGuests(): GuestSetUp {
  let built: QemuImage;
  let directory: string;
  const started: QemuHarness[] = [];
  beforeAll(async () => {
    built = await ensureImage();
  }, 180_000);
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    for (const harness of started.splice(0)) await harness.dispose();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    get built() {
      return built;
    },
    get directory() {
      return directory;
    },
    start: async (image, overrides) => {
      const harness = await qemuHarness(image, overrides);
      started.push(harness);
      return harness;
    },
  };
}

/** Pids of live QEMUs, and of processes on the way to become one, whose arguments name the machine's directory. */
export async function processesOf(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return commandLine.includes(`path=${dir}/`) && existsSync(`/proc/${pid}/exe`);
    }),
  );
  return pids.filter((_, index) => found[index]);
}

/** The address and what the page on it says, once the guest has booted. */
export async function askPort({ address }: Machine, timeoutMs = BOOT_MS): Promise<string> {
  const url = `http://${address!.ip}:${address!.ports[0]!.port}/healthz`;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      // QEMU takes the connection before the guest is there: a try that hangs is given up.
      const response = await fetch(url, { signal: AbortSignal.timeout(3000) });
      return `${url} ${response.status}`;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

/** A directory that is removed by nobody but the caller. */
export async function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), `eph-${randomUUID().slice(0, 8)}-`));
}
