import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import { runAgent } from '../../agent/sidecar-agent.ts';
import { createLog } from '../../log.ts';
import { wholeMachine } from '../../agent/streams/stream-place.ts';
import { Container } from './container.ts';
import { readAssignment, type GuestOptions } from './guest.ts';

/** Where the agent's own link listens inside the guest. */
const LINK_SOCKET = '/run/agent.sock';

/**
 * Runs the program of a container image and is its agent, until the program ends or is told to: counts the connections to
 * the TCP ports of the VM, which is ready once the first of them accepts, until the program has put a count itself. Without such
 * a port it takes the program's count, and is ready once it has one. Rejects when it cannot be set up.
 */
export async function runGuestContainer({ port: device, assignmentFile }: GuestOptions): Promise<void> {
  process.umask(0o077);
  // A thread that waits for the host's next word would keep an ordinary exit waiting for ever.
  process.on('exit', () => process.kill(process.pid, 'SIGKILL'));
  const { ports, env, awaitsAssignment = false, container } = readAssignment(assignmentFile);
  if (container === undefined) throw new Error(`${assignmentFile} does not say what to run`);
  const program = new Container(container, createLog());
  const [first = null, ...others] = ports.filter(({ protocol }) => protocol === 'tcp').map((spec) => spec.port);
  let variables = env;
  await runAgent({
    link: { kind: 'virtio', device, socketPath: LINK_SOCKET },
    countPort: first,
    alsoCount: others,
    takesOwnCount: true,
    readyPort: first,
    localPort: AGENT_LOCAL_PORT,
    stateDir: null,
    awaitsAssignment,
    onEnvironment: (assigned) => (variables = { ...env, ...assigned }),
    place: { ...wholeMachine(), inner: program },
    program: { start: () => program.start(variables), stop: (graceMs) => program.stop(graceMs) },
  });
}
