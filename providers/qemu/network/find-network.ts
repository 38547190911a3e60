/** Finds out whether guests of this computer can have networks of their own, by making one. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { readText } from '../../host/files/checked-file.ts';
import { guestFilter } from './guest-filter.ts';
import { UPLINK_UID_OF_PROBE, networkPath } from './guest-network.ts';
import { NETWORK_SCRIPT, UPLINK_WORD } from './uplink-script.ts';

/** `user`: that of QEMU, which takes no datagrams and lets nothing out; `why`, for people. */
export type GuestNetworkKind = { kind: 'namespace' } | { kind: 'user'; why: string };

const PROBE_TIMEOUT_MS = 20_000;
/** With the Debian packages that they are in. */
const TOOLS = {
  pasta: 'passt',
  nft: 'nftables',
  ip: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
} as const;

/** What forbids namespaces to users without rights, and how that is allowed. */
const KERNEL_SETTINGS = [
  { path: 'user/max_user_namespaces', forbids: '0', todo: 'sysctl -w user.max_user_namespaces=16384' },
  { path: 'user/max_net_namespaces', forbids: '0', todo: 'sysctl -w user.max_net_namespaces=16384' },
  { path: 'kernel/unprivileged_userns_clone', forbids: '0', todo: 'sysctl -w kernel.unprivileged_userns_clone=1' },
  {
    path: 'kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    todo: 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile of AppArmor that lets unshare have user namespaces',
  },
] as const;

/** Makes a network as a guest's, with nothing in it, and ends it. */
export async function findNetwork(): Promise<GuestNetworkKind> {
  const missing = Object.entries(TOOLS).filter(([tool]) => !isOnPath(tool));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
    return user(`${missing.map(([tool]) => tool).join(', ')} missing: apt-get install ${packages}`);
  }
  const { joined, said } = await makeOne();
  return joined ? { kind: 'namespace' } : user(await whyNot(said));
}

function user(why: string): GuestNetworkKind {
  return { kind: 'user', why };
}

function isOnPath(program: string): boolean {
  return networkPath()
    .split(delimiter)
    .some((directory) => existsSync(join(directory, program)));
}

async function makeOne(): Promise<{ joined: boolean; said: string }> {
  const owner = process.getuid?.() === 0 ? `${UPLINK_UID_OF_PROBE}` : 'self';
  const script = `uplink_script=$1; shift\n${NETWORK_SCRIPT.functions}\nstart_uplink "$@"`;
  const uplink = [owner, guestFilter(true), 'open', 'names', 'none', '1'];
  const child = spawn('/bin/sh', ['-c', script, 'ephemera-probe', NETWORK_SCRIPT.uplink, ...uplink], {
    // The uplink takes the end of its eighth file for the end of whom it is for.
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
    env: { PATH: networkPath() },
    timeout: PROBE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve) => {
    let said = '';
    const hear = (text: string): void => {
      said += text;
      if (said.includes(`${UPLINK_WORD.joined} none\n`)) child.kill('SIGKILL');
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', hear);
    child.once('error', (error) => resolve({ joined: false, said: error.message }));
    child.once('close', () => resolve({ joined: said.includes(`${UPLINK_WORD.joined} none\n`), said }));
  });
}

/** The setting of the kernel that is in the way, where one is known to be; else what the system said. */
async function whyNot(said: string): Promise<string> {
  for (const { path, forbids, todo } of KERNEL_SETTINGS) {
    const value = await readText(`/proc/sys/${path}`).catch(() => undefined);
    if (value?.trim() !== forbids) continue;
    return `the kernel's ${path.replace('/', '.')} is ${forbids}, which forbids network namespaces: ${todo}`;
  }
  const tun = await access('/dev/net/tun', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!tun) return '/dev/net/tun cannot be opened: modprobe tun, and let this user read and write it';
  const text = said.replaceAll(/\s+/g, ' ').trim();
  return `no network namespace can be made here: ${text === '' ? 'it took too long' : text.slice(0, 500)}`;
}
