/** The connection of one agent that reports over HTTP: it carries streams into its machine, and nothing else. */
import type { Logger } from 'pino';
import type { RawData, WebSocket } from 'ws';
import { LINK_CLOSE, parseTokenLine } from '../../domain/agent/link-messages.ts';
import { MAX_LINE_BYTES } from '../../domain/agent/protocol.ts';
import { STREAM_VERSION } from '../../domain/agent/streams/frames.ts';
import type { Stream, StreamListener } from '../../domain/agent/streams/mux.ts';
import type { StreamRequest } from '../../domain/agent/streams/requests.ts';
import type { AgentTokenClaims } from '../../security/agents/agent-tokens.ts';
import { MachineStreams } from '../../streams/machine-streams.ts';

/** Bytes a second of one agent that nobody asked for; what is more waits in its socket. */
const MAX_BYTES_PER_SECOND = 256 * 1024;
/** Of a ping or a pong on the wire. */
const FRAME_HEAD_BYTES = 6;
/** Data of streams waits while so much is in front of the socket. */
const MAX_UNSENT_DATA_BYTES = 32 * 1024;
/** An agent that reads nothing at all loses its link before frames for it fill the memory. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
const PING_MS = 10_000;
const SAID = { streams: STREAM_VERSION };

export interface AgentLinkOptions {
  webSocket: WebSocket;
  claims: AgentTokenClaims;
  /** What a token says, or undefined for none that is good now. */
  verify: (token: string) => AgentTokenClaims | undefined;
  /** Epoch ms. */
  now: number;
  log: Pick<Logger, 'warn'>;
  onClose: () => void;
  /** Only tests set it. */
  pingMs?: number;
}

export class AgentLink {
  /** Epoch ms. */
  readonly since: number;
  readonly #options: AgentLinkOptions;
  readonly #webSocket: WebSocket;
  readonly #streams: MachineStreams;
  #claims: AgentTokenClaims;
  #budget = MAX_BYTES_PER_SECOND;
  #refill: NodeJS.Timeout | undefined;
  #isHeard = true;

  constructor(options: AgentLinkOptions) {
    const { webSocket, claims, now, pingMs = PING_MS } = options;
    this.#options = options;
    this.#webSocket = webSocket;
    this.#claims = claims;
    this.since = now;
    this.#streams = new MachineStreams({
      takesData: () => webSocket.readyState === webSocket.OPEN && webSocket.bufferedAmount < MAX_UNSENT_DATA_BYTES,
      sendFrame: (line) => this.#send(line),
      cut: (why) => this.#cut(why),
    });
    const pings = setInterval(() => this.#ping(), pingMs).unref();
    webSocket.on('pong', (data) => {
      this.#isHeard = true;
      this.#pace(data.length + FRAME_HEAD_BYTES);
    });
    webSocket.on('ping', (data) => this.#pace(data.length + FRAME_HEAD_BYTES));
    webSocket.on('message', (data, isBinary) => this.#take(data, isBinary));
    webSocket.once('close', () => {
      clearInterval(pings);
      clearTimeout(this.#refill);
      this.#streams.lost();
      options.onClose();
    });
  }

  /** The machine, its owner, and the life of the token. */
  get claims(): AgentTokenClaims {
    return this.#claims;
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** @throws StreamRefused. */
  open(request: StreamRequest, listener: StreamListener): Stream {
    return this.#streams.open(request, listener, SAID);
  }

  /** Every stream ends; what is under way is lost. */
  close(code: number, why: string): void {
    this.#webSocket.resume();
    this.#webSocket.close(code, why);
    // Who does not answer a close keeps nothing open by that.
    this.#streams.lost();
  }

  #take(data: RawData, isBinary: boolean): void {
    const bytes = data as Buffer;
    this.#isHeard = true;
    // What was under way when the link was closed.
    if (!this.isOpen) return;
    if (isBinary || bytes.length > MAX_LINE_BYTES) {
      this.#cut('a message is no line of an agent');
      return;
    }
    const line = bytes.toString();
    const expected = this.#streams.take(line);
    if (expected === null) this.#takeToken(line);
    this.#pace(bytes.length - (expected ?? 0));
  }

  /** A newer token of the same machine; the link lives as long as that. */
  #takeToken(line: string): void {
    const token = parseTokenLine(line);
    const claims = token === undefined ? undefined : this.#options.verify(token);
    const { machineId, workflowId, issuedAt } = this.#claims;
    const isOwn = claims?.machineId === machineId && claims.workflowId === workflowId;
    if (claims === undefined || !isOwn) this.#cut('a message is neither a frame nor a token of its machine');
    else if (claims.issuedAt >= issuedAt) this.#claims = claims;
  }

  #pace(bytes: number): void {
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      this.#budget = MAX_BYTES_PER_SECOND;
      this.#webSocket.resume();
    }, 1000);
    this.#budget -= bytes;
    if (this.#budget <= 0) this.#webSocket.pause();
  }

  #send(line: string): void {
    const { OPEN, readyState, bufferedAmount } = this.#webSocket;
    if (readyState !== OPEN) return;
    if (bufferedAmount > MAX_UNSENT_BYTES) this.#webSocket.terminate();
    else this.#webSocket.send(line, () => this.#streams.pump());
  }

  /** What is paced is not heard for a second at most, an agent that is gone never again. */
  #ping(): void {
    if (!this.#isHeard) {
      this.#webSocket.terminate();
      return;
    }
    this.#isHeard = false;
    if (this.isOpen) this.#webSocket.ping();
  }

  #cut(why: string): void {
    this.#options.log.warn({ why, machineId: this.#claims.machineId }, 'the link of an agent was closed');
    this.close(LINK_CLOSE.refused, why);
  }
}
