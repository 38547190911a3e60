/** The streams of one machine, at the end of whoever asks its agent for them: its host, or the API that its agent connected to. */
import type { AgentReport } from '../domain/agent/protocol.ts';
import {
  frameLine,
  isFrameLine,
  parseFrame,
  type StreamEnd,
  type StreamFrame,
} from '../domain/agent/streams/frames.ts';
import { StreamMux, TOO_MANY, type Stream, type StreamListener } from '../domain/agent/streams/mux.ts';
import type { StreamRequest } from '../domain/agent/streams/requests.ts';

/** Why no stream was opened. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
  readonly end: StreamEnd;

  constructor(end: StreamEnd) {
    super(end.detail);
    this.end = end;
  }
}

const LOST: StreamEnd = {
  code: 'streamLost',
  detail: 'The link to the machine was lost: the VM ended, or its agent or its host started again',
};
const NO_LINK: StreamEnd = {
  code: 'streamLost',
  detail: 'The agent of the VM is not connected now, or does not keep up: try again',
};
const OLD_AGENT: StreamEnd = {
  code: 'streamsUnsupported',
  detail: 'The agent in the VM is older than streams: make its image anew, and a new VM of it',
};

/** Each byte of a stream may take this many on the link; who sends more words than bytes is paced. */
const LINE_BYTES_PER_BYTE = 2;

/** The connection to an agent, which carries lines. */
export interface StreamCarrier {
  /** Whether data may follow what is still to be sent. */
  takesData: () => boolean;
  sendFrame: (line: string) => void;
  /** Ends the connection, whose other end is not honest. */
  cut: (why: string) => void;
}

/** The streams of one machine, over whatever connection there is: they end with it. */
export class MachineStreams {
  private readonly connection: StreamCarrier;
  private mux: StreamMux;

  constructor(connection: StreamCarrier) {
    this.connection = connection;
    this.mux = this.newMux();
  }

  /** `latest`: what the agent said last of itself. @throws StreamRefused. */
  open(request: StreamRequest, listener: StreamListener, latest: Pick<AgentReport, 'streams'> | null): Stream {
    if (latest === null || !this.connection.takesData()) throw new StreamRefused(NO_LINK);
    if (latest.streams === undefined) throw new StreamRefused(OLD_AGENT);
    const stream = this.mux.open(request, listener);
    if (stream === undefined) throw new StreamRefused(TOO_MANY);
    return stream;
  }

  /** Null for a line that is no frame; else how many of its bytes were asked for. */
  take(line: string): number | null {
    if (!isFrameLine(line)) return null;
    const frame = parseFrame(line, (base64) => Buffer.from(base64, 'base64'));
    if (frame === undefined) return 0;
    const kind = this.mux.take(frame);
    if (kind === 'hostile') this.connection.cut('a frame of a stream is out of order, or more than was asked for');
    return kind === 'expected' && frame.kind === 'data'
      ? Math.min(line.length + 1, LINE_BYTES_PER_BYTE * frame.bytes.length)
      : 0;
  }

  pump(): void {
    this.mux.pump();
  }

  /** The connection is gone. The next one is to a new end of the agent. */
  lost(): void {
    const { mux } = this;
    this.mux = this.newMux();
    mux.close(LOST);
  }

  private newMux(): StreamMux {
    const { connection } = this;
    const text = (bytes: Uint8Array): string =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    const send = (frame: StreamFrame): void => connection.sendFrame(frameLine(frame, text));
    return new StreamMux({ send, takesData: () => connection.takesData() }, null);
  }
}
