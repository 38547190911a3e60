import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  AGENT_LOCAL_PORT,
  LOCAL_MACHINE_FILE,
  type LocalMachineAddress,
  type LocalManifest,
} from '../../../domain/machine/local-machine.ts';
import { Assignee } from '../../agent/assignment/assignee.ts';
import type { AppControl } from '../../agent/counting/app-control.ts';
import { AppUsage } from '../../agent/counting/app-usage.ts';
import type { localEndpoint } from '../../agent/counting/local-endpoint.ts';
import { watchPorts } from '../../agent/counting/port-watch.ts';
import { endOnSignals } from '../../end-on-signals.ts';
import { capConsole, type Log } from '../../log.ts';
import { endGroupAtExit, endGroupWithThisProcess } from '../../process-group.ts';
import type { ClaimedAddress } from './claim-address.ts';
import { placeVariables, Program } from './program.ts';

const CONSOLE_CAP_INTERVAL_MS = 5000;

/** What the link to the host works with. */
export interface SetUpMachine {
  address: LocalMachineAddress;
  usage: AppUsage;
  app: AppControl;
  assignee: Assignee;
  forwards: Set<number>;
}

export interface ProgramMachineOptions {
  dir: string;
  manifest: LocalManifest & { program: { directory: string } };
  log: Log;
  /** Claims the machine's address; what holds its ports is closed before the program starts. */
  claim: (
    parts: Pick<Parameters<typeof localEndpoint>[0], 'usage' | 'isDraining' | 'takeCount'>,
  ) => Promise<ClaimedAddress>;
}

/**
 * Sets up a local machine that runs a program of its user. Its users are the connections to its TCP ports, until it has put
 * a count to its agent itself; it is ready once the first of them accepts.
 */
export async function setUpProgramMachine(options: ProgramMachineOptions): Promise<SetUpMachine> {
  const { dir, manifest, log, claim } = options;
  endGroupAtExit();
  endGroupWithThisProcess();
  setInterval(() => capConsole(join(dir, LOCAL_MACHINE_FILE.console)), CONSOLE_CAP_INTERVAL_MS).unref();
  const usage = new AppUsage();
  if (manifest.awaitsAssignment === true) usage.awaitAssignment();
  const program = new Program(manifest.program.directory, log);
  let draining = false;
  let countsItself = false;
  const takeCount = (connections: number): void => {
    countsItself = true;
    usage.setConnections(connections);
  };
  const claimed = await claim({ usage, isDraining: () => draining, takeCount });
  const { address, agentServer } = claimed;
  await Promise.all([...claimed.appServers, ...claimed.sockets].map((one) => closed(one)));
  const agentAddress = agentServer.address();
  const agentPort = typeof agentAddress === 'object' && agentAddress !== null ? agentAddress.port : AGENT_LOCAL_PORT;
  Object.assign(process.env, placeVariables(address, agentPort));
  if (manifest.awaitsAssignment !== true) program.start();
  const [first = null, ...others] = address.ports.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port);
  const forwards = new Set<number>();
  const ports = { countPort: first, alsoCount: others, readyPort: first, ip: address.ip, forwards };
  const watch = await watchPorts(usage, { ...ports, countsItself: () => countsItself }, log);
  const app = endOnSignals({
    recount: () => watch.recount(),
    setDraining: (value) => (draining = value),
    close: (graceMs) => program.stop(graceMs),
    log,
  });
  // What a host gives at each start of the machine is not kept on its disk.
  const assignee = new Assignee({ usage, log, openApp: () => program.start(), marker: null });
  return { address, usage, app, assignee, forwards };
}

/** Claims a port for a moment: nobody is ever let in. */
export function placeHolder(): ReturnType<typeof createServer> {
  return createServer().on('connection', (socket) => socket.destroy());
}

function closed(one: { close: (done: () => void) => unknown }): Promise<void> {
  return new Promise((resolve) => {
    one.close(() => resolve());
  });
}
