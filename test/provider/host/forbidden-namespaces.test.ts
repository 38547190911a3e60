/** A kernel that forbids namespaces, for real: the limits are those of a user namespace, which the test makes for itself. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);
const FINDS = `import('./providers/qemu/network/find-network.ts').then(async ({ findNetwork }) =>
  console.log(JSON.stringify(await findNetwork())))`;

/** Why it cannot run here, said where it is skipped; never with CI=true. */
function whyNotHere(): string | undefined {
  if (process.env['CI']) return undefined;
  try {
    execFileSync('unshare', ['-Ur', 'true'], { stdio: 'ignore' });
  } catch {
    return 'no user namespace can be made here';
  }
  return ['pasta', 'nft', 'ip'].every((tool) =>
    ['/usr/bin', '/usr/sbin', '/sbin', '/bin'].some((dir) => existsSync(`${dir}/${tool}`)),
  )
    ? undefined
    : 'pasta, nft or ip is missing';
}

describe.skipIf(whyNotHere() !== undefined)('where the kernel forbids', () => {
  it.each(['max_user_namespaces', 'max_net_namespaces'])(
    'namespaces by user.%s, guests get the user network of QEMU, and the setting and what allows it are named',
    async (setting) => {
      const script = `echo 0 > /proc/sys/user/${setting} && exec "$0" --import tsx -e "$1"`;
      const { stdout } = await run('unshare', ['-Ur', 'sh', '-c', script, process.execPath, FINDS], {
        cwd: ROOT,
        timeout: 50_000,
      });
      expect(JSON.parse(stdout)).toEqual({
        kind: 'user',
        why: expect.stringContaining(
          `user.${setting} is 0, which forbids network namespaces: sysctl -w user.${setting}=`,
        ) as string,
      });
    },
  );
});
