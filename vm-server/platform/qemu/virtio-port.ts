import { openSync, read, write } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Log } from '../../log.ts';

const readFrom = promisify(read);
const writeTo = promisify(write);

/** A read ends at once while no host is there; one that lasts this long has a host on the other end. */
const HOST_SHOWS_MS = 30;
const NO_HOST_PAUSE_MS = 100;
const FAILED_PAUSE_MS = 1000;

/**
 * Joins the virtio-serial port of a guest with the agent's link, which listens on a unix socket: each coming of
 * a host is a new connection to the agent. A port can be open once only, so one descriptor serves both ways
 * and stays open. Throws when the port cannot be opened.
 */
export function openVirtioPort(device: string, socketPath: string, log: Log): void {
  void new VirtioPort(openSync(device, 'r+'), socketPath, log).serve();
}

class VirtioPort {
  readonly #port: number;
  readonly #socketPath: string;
  readonly #log: Log;
  #agent: Socket | undefined;
  /** What goes to a new host waits for the last words to the one before. */
  #written: Promise<void> = Promise.resolve();

  constructor(port: number, socketPath: string, log: Log) {
    this.#port = port;
    this.#socketPath = socketPath;
    this.#log = log;
  }

  async serve(): Promise<never> {
    for (;;) {
      try {
        await this.#hear();
      } catch (error) {
        this.#log(`The agent port failed: ${(error as Error).message}.`);
        this.#leaveAgent();
        await delay(FAILED_PAUSE_MS);
      }
    }
  }

  /** One read: a message of the host, its silence, or its going. */
  async #hear(): Promise<void> {
    const reading = readFrom(this.#port, Buffer.alloc(4096), 0, 4096, null);
    if (!this.#agent && (await lasts(reading, HOST_SHOWS_MS))) this.#meetAgent();
    const { bytesRead, buffer } = await reading;
    if (bytesRead === 0) {
      this.#leaveAgent();
      await delay(NO_HOST_PAUSE_MS);
    } else {
      this.#meetAgent().write(buffer.subarray(0, bytesRead));
    }
  }

  #meetAgent(): Socket {
    if (this.#agent) return this.#agent;
    const agent = connect(this.#socketPath);
    this.#agent = agent;
    this.#written = this.#written.then(() => this.#copyToHost(agent));
    return agent;
  }

  #leaveAgent(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #copyToHost(agent: Socket): Promise<void> {
    try {
      for await (const chunk of agent as AsyncIterable<Buffer>) await this.#write(chunk);
    } catch {
      // The agent or the host left: either way this connection is over.
    }
    // The agent closes on nonsense; the host is still there and hears it anew.
    if (this.#agent !== agent) return;
    this.#agent = undefined;
    await delay(NO_HOST_PAUSE_MS);
    this.#meetAgent();
  }

  async #write(chunk: Buffer): Promise<void> {
    for (let sent = 0; sent < chunk.length;) {
      const { bytesWritten } = await writeTo(this.#port, chunk, sent, chunk.length - sent, null);
      sent += bytesWritten;
    }
  }
}

async function lasts(work: Promise<unknown>, ms: number): Promise<boolean> {
  const stop = new AbortController();
  const ended = work.then(
    () => false,
    () => false,
  );
  const result = await Promise.race([ended, delay(ms, true, { signal: stop.signal, ref: false })]);
  stop.abort();
  return result;
}
