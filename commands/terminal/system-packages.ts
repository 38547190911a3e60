import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.ts';
import { ScriptError, type StepReport } from './terminal.ts';

/** What the tests need of the system: the Debian package, how to tell that it is there, and for which tests. */
const SYSTEM_PACKAGES = [
  { name: 'chromium', isThere: () => onPath('chromium'), usedFor: 'the browser tests' },
  { name: 'python3-venv', isThere: canMakeVirtualEnvironments, usedFor: 'schemathesis, the OpenAPI fuzz test' },
  { name: 'qemu-system-x86', isThere: () => onPath('qemu-system-x86_64'), usedFor: 'the tests with real guests' },
  { name: 'qemu-utils', isThere: () => onPath('qemu-img'), usedFor: 'the tests with disks of guests' },
  { name: 'squashfs-tools', isThere: () => onPath('mksquashfs'), usedFor: 'the tests with container images' },
  { name: 'passt', isThere: () => onPath('pasta'), usedFor: 'the tests with networks of guests' },
  { name: 'nftables', isThere: () => onPath('nft'), usedFor: 'the tests with networks of guests' },
  { name: 'iproute2', isThere: () => onPath('ip'), usedFor: 'the tests with networks of guests' },
  { name: 'docker-registry', isThere: () => onPath('docker-registry'), usedFor: 'the tests with a registry of images' },
  { name: 'e2fsprogs', isThere: () => onPath('mke2fs'), usedFor: 'the tests with container images' },
  { name: 'openssl', isThere: () => onPath('openssl'), usedFor: 'the tests with an API over https' },
  { name: 'procps', isThere: () => onPath('ps'), usedFor: 'finding processes' },
] as const;

const QUIET_WITH_RETRIES = ['--quiet=2', '--option', 'Acquire::Retries=5'];

/** Installs what is missing with apt; for machines that are thrown away, as root. */
export async function installSystemPackages({ note }: StepReport): Promise<void> {
  const missing = missingSystemPackages().map(({ name }) => name);
  note(missing.length === 0 ? 'all there' : missing.join(', '));
  if (missing.length === 0 && hasPackageLists()) return;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    throw new ScriptError(`install these first, as root: ${missing.join(' ')}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '--yes', '--no-install-recommends', ...missing];
  for (const args of missing.length === 0 ? [['update']] : [['update'], install]) {
    const { code, output } = await runCommand('apt-get', [...QUIET_WITH_RETRIES, ...args], { cwd: '/', env });
    if (code !== 0) throw new ScriptError(`apt-get ${args.join(' ')} failed:\n${output.slice(-3000)}`);
  }
}

/** The image for guests downloads packages too, which needs the lists even where every program is there. */
function hasPackageLists(): boolean {
  const lists = '/var/lib/apt/lists';
  return existsSync(lists) && readdirSync(lists).some((name) => name.includes('_Packages'));
}

/** What is not there, and for which tests it would be needed. */
export function missingSystemPackages(): { name: string; usedFor: string }[] {
  return SYSTEM_PACKAGES.filter(({ isThere }) => !isThere()).map(({ name, usedFor }) => ({ name, usedFor }));
}

function onPath(program: string): boolean {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.some((directory) => existsSync(join(directory, program)));
}

/** Debian splits ensurepip, without which no virtual environment can be made, into python3-venv. */
function canMakeVirtualEnvironments(): boolean {
  return spawnSync('python3', ['-c', 'import ensurepip, venv'], { stdio: 'ignore' }).status === 0;
}
