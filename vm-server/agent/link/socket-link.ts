import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AgentCommand, AgentReport } from '../../../domain/agent/protocol.ts';
import type { Log } from '../../log.ts';
import type { AppControl } from '../counting/app-control.ts';
import type { AppUsage } from '../counting/app-usage.ts';
import type { Assignee } from '../assignment/assignee.ts';
import { LineReader } from '../../../lib/text/lines.ts';
import { MAX_ASSIGNMENT_BYTES } from '../../../domain/agent/assignment.ts';
import { STREAM_VERSION } from '../../../domain/agent/streams/frames.ts';
import { parseCommand } from '../parse-command.ts';
import { LinkStreams } from '../streams/link-streams.ts';
import type { StreamPlace } from '../streams/stream-place.ts';
import { ReportPacer } from './report-pacer.ts';

/** Of streams in front of a report; besides, what the system keeps of a socket. */
const MAX_UNSENT_DATA_BYTES = 32 * 1024;
/** A host that does not read loses its connection before its unread reports fill the memory. */
const MAX_UNREAD_BYTES = 64 * 1024;

export interface LinkParts {
  usage: AppUsage;
  app: AppControl;
  nextSequence: () => number;
  log: Log;
  assignee: Pick<Assignee, 'take' | 'resume'>;
  /** What streams reach. */
  place: StreamPlace;
}

/**
 * The link over a channel: the agent listens on a unix socket and one host at a time is connected, a new one
 * in the place of the old. Rejects when the socket cannot be opened or another agent has it.
 */
export async function openSocketLink(socketPath: string, parts: LinkParts): Promise<void> {
  let host: HostConnection | undefined;
  const server = createServer((socket) => {
    host?.close();
    host = new HostConnection(socket, parts);
  });
  parts.usage.onChange((change) => host?.pacer.changed(change));
  await listen(server, socketPath);
}

async function listen(server: Server, socketPath: string): Promise<void> {
  try {
    await listenOnce(server, socketPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (await answers(socketPath)) {
      throw new Error(`another agent listens on ${socketPath}: stop it, or give another --socket`, { cause: error });
    }
    // An agent that was killed leaves its socket file behind.
    rmSync(socketPath);
    await listenOnce(server, socketPath);
  }
}

function listenOnce(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

/** One host on the other end of the socket, from its coming to its going. */
class HostConnection {
  readonly pacer: ReportPacer;
  readonly #socket: Socket;
  readonly #parts: LinkParts;
  readonly #streams: LinkStreams;
  readonly #lines = new LineReader(MAX_ASSIGNMENT_BYTES);

  constructor(socket: Socket, parts: LinkParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#streams = new LinkStreams(
      {
        isOpen: () => !socket.destroyed,
        takesData: () => !socket.destroyed && socket.writableLength < MAX_UNSENT_DATA_BYTES,
        write: (line) => socket.write(`${line}\n`),
      },
      parts,
    );
    socket.on('drain', () => this.#streams.pump());
    this.pacer = new ReportPacer(() => this.#report());
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.pacer.stop();
      this.#streams.close();
    });
    this.pacer.sendNow();
  }

  close(): void {
    this.pacer.stop();
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) {
        if (this.#streams.take(line)) continue;
        const command = parseCommand(line);
        if (command) this.#obey(command);
      }
    } catch (error) {
      const why = error instanceof SyntaxError ? 'a line is not JSON' : (error as Error).message;
      this.#parts.log(`The link was closed: ${why}.`);
      this.close();
    }
  }

  #obey(command: AgentCommand): void {
    switch (command.type) {
      case 'confirm':
        void this.#answer(command.id);
        break;
      case 'drain':
        this.#parts.app.setDraining(command.draining);
        break;
      case 'shutdown':
        this.#parts.app.shutdown(command.graceSeconds);
        break;
      case 'assign':
        this.#parts.assignee.take(command.assignment);
        break;
    }
  }

  async #answer(id: string): Promise<void> {
    await this.#parts.app.recount();
    this.pacer.noteSent();
    this.#report(id);
  }

  #report(answers?: string): void {
    const usage = this.#parts.usage.reported;
    if (!usage || this.#socket.destroyed) return;
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) {
      this.close();
      return;
    }
    const report: AgentReport = {
      type: 'report',
      sequence: this.#parts.nextSequence(),
      streams: STREAM_VERSION,
      ...usage,
      ...(answers === undefined ? {} : { answers }),
    };
    this.#socket.write(`${JSON.stringify(report)}\n`);
  }
}
