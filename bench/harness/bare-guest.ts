/** QEMU alone with what a guest of ours was started with: the same program, arguments and image, without the rest of us. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilAgentSaysReady } from '../../test-support/agent-ready.ts';
import { hypervisorOf } from './hypervisor-process.ts';

const ASSIGNMENT = 'assignment.json';
/** Of no machine: the range of guests begins at 127.128. */
const ADDRESS = '127.120.0.1';

export interface BareGuest {
  /** The command line of the guest it is like. */
  command: readonly string[];
  /** The directory of that guest, which the command names. */
  dir: string;
  /** A copy of the manifest of that guest. */
  assignmentFile: string;
}

/** Reads what the running guest was started with. */
export async function bareGuestLike(stateDir: string, machineId: string): Promise<BareGuest> {
  const { pid, dir } = await hypervisorOf(stateDir, machineId);
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  const assignmentFile = join(stateDir, `bare-${ASSIGNMENT}`);
  await copyFile(join(dir, ASSIGNMENT), assignmentFile);
  return { command, dir, assignmentFile };
}

/** Milliseconds from the start of QEMU until the agent says over its link that the app is ready; ended before this resolves. */
export async function bareBoot({ command, dir, assignmentFile }: BareGuest, timeoutMs: number): Promise<number> {
  const ownDir = await mkdtemp(join(tmpdir(), 'eph-bare-'));
  await copyFile(assignmentFile, join(ownDir, ASSIGNMENT));
  // It runs at once, with its port forwarded from the beginning.
  const [program = '', ...args] = command
    .filter((argument) => argument !== '-S')
    .map((argument) => argument.replaceAll(dir, ownDir))
    .map((argument) => (argument.startsWith('user,') ? `${argument},hostfwd=tcp:${ADDRESS}:8080-:8080` : argument));
  const begunAt = performance.now();
  // In a session of its own like ours: Linux shares a busy processor out by sessions.
  const child = spawn(program, args, { cwd: ownDir, stdio: 'ignore', detached: true });
  try {
    await untilAgentSaysReady({
      socketPath: join(ownDir, 'agent.sock'),
      timeoutMs,
      isAlive: () => child.exitCode === null && child.signalCode === null,
    });
    return performance.now() - begunAt;
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await rm(ownDir, { recursive: true, force: true });
  }
}
