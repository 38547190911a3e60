import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import { environmentText } from '../../environment-text.ts';
import { runAgent } from '../../agent/sidecar-agent.ts';
import { readAssignment, type GuestOptions } from './guest.ts';

/** What the agent of an own image makes, for itself and for the image's program. */
const RUN_DIRECTORY = '/run/ephemera';
const ENVIRONMENT_FILE = 'env';
const LINK_SOCKET = 'agent.sock';
/** On the machine's disk: a guest may restart, and its startup script runs once all the same. */
const STATE_DIRECTORY = '/var/lib/ephemera';

/**
 * Is the agent of a virtual machine whose program its own image brings, until it is told to end: counts the
 * connections to the first TCP port of the VM, which is ready once it accepts. Without such a port it takes the
 * program's count, and is ready once it has one. Writes the VM's `env`, and once it is told them its secret variables, where the program
 * finds them: in memory, for root alone. Rejects when it cannot be set up.
 */
export async function runGuestAgent(
  { port: device, assignmentFile }: GuestOptions,
  directory = RUN_DIRECTORY,
): Promise<void> {
  process.umask(0o077);
  // A thread that waits for the host's next word would keep an ordinary exit waiting for ever.
  process.on('exit', () => process.kill(process.pid, 'SIGKILL'));
  const { ports, env, awaitsAssignment = false } = readAssignment(assignmentFile);
  mkdirSync(directory, { recursive: true });
  const writeEnvironment = (variables: Record<string, string>): void =>
    writeFileSync(join(directory, ENVIRONMENT_FILE), environmentText(variables), { mode: 0o600 });
  writeEnvironment(env);
  const port = ports.find(({ protocol }) => protocol === 'tcp')?.port ?? null;
  await runAgent({
    link: { kind: 'virtio', device, socketPath: join(directory, LINK_SOCKET) },
    countPort: port,
    readyPort: port,
    localPort: AGENT_LOCAL_PORT,
    stateDir: STATE_DIRECTORY,
    awaitsAssignment,
    onEnvironment: writeEnvironment,
  });
}
