import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { parseGuestAssignment, type GuestAssignment } from '../../../domain/machine/guest-machine.ts';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import { localEndpoint } from '../../agent/counting/local-endpoint.ts';
import { reportSequence } from '../../agent/link/report-sequence.ts';
import { openSocketLink } from '../../agent/link/socket-link.ts';
import { wholeMachine } from '../../agent/streams/stream-place.ts';
import { portList } from '../port-list.ts';
import { openVirtioPort } from './virtio-port.ts';
import { createChatApp } from '../../app/chat-app.ts';
import { echoDatagrams } from '../../app/echo-datagrams.ts';
import { listen } from '../local/claim-address.ts';
import { createLog } from '../../log.ts';
import { UsageError } from '../../usage-error.ts';

/** What the program of a guest is told on its command line. */
export interface GuestOptions {
  /** Device of the virtio-serial port that is the agent link. */
  port: string;
  /** File that holds the {@link GuestAssignment}. */
  assignmentFile: string;
}

/** Where the agent's own link listens inside the guest. */
const LINK_SOCKET = '/run/agent.sock';

/** Reads the options of `guest` and `guest-agent`. Throws a {@link UsageError} that names what is missing. */
export function parseGuestOptions(args: string[], command = 'guest'): GuestOptions {
  const text = { type: 'string' } as const;
  const { port, assignment } = parseArgs({ args, options: { port: text, assignment: text } }).values;
  if (!port || !assignment) throw new UsageError(`${command} needs --port <device> and --assignment <file>`);
  return { port, assignmentFile: assignment };
}

/**
 * Is the program of a virtual machine, the sample chat and its agent, until it is told to end. Throws when it
 * cannot be set up.
 */
export async function runGuest({ port, assignmentFile }: GuestOptions): Promise<void> {
  process.umask(0o077);
  // A thread that waits for the host's next word would keep an ordinary exit waiting for ever.
  process.on('exit', () => process.kill(process.pid, 'SIGKILL'));
  const { machineId, ports, env, awaitsAssignment = false } = readAssignment(assignmentFile);
  const log = createLog();
  Object.assign(process.env, env);

  const { chat, usage, app, assignee } = createChatApp({ log, awaitsAssignment });
  const agentServer = createServer(localEndpoint({ usage, isDraining: () => chat.draining, takeCount: null }));
  await listen(agentServer, '127.0.0.1', AGENT_LOCAL_PORT);
  for (const spec of ports) {
    if (spec.protocol === 'tcp') await listen(chat.createServer(), '0.0.0.0', spec.port);
    else await echoDatagrams('0.0.0.0', spec.port);
  }
  usage.setConnections(chat.count);
  usage.setReady(true);
  const place = wholeMachine();
  await openSocketLink(LINK_SOCKET, { usage, app, assignee, place, nextSequence: reportSequence(), log });
  openVirtioPort(port, LINK_SOCKET, log);
  log(`Machine ${machineId} serves on ${portList(ports)}.`);
}

/** What the host wants of this guest. Throws when the file holds nothing of the kind. */
export function readAssignment(path: string): GuestAssignment {
  const assignment = parseGuestAssignment(JSON.parse(readFileSync(path, 'utf8')));
  if (!assignment) throw new Error(`${path} holds no assignment: give the file that the host made for this guest`);
  return assignment;
}
