/** An endpoint of a user: it verifies what it gets with the library of Standard Webhooks, and can be down, or refuse. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface ReceivedMessage {
  /** `webhook-id`. */
  id: string;
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
  receivedAt: number;
}

export class WebhookReceiver {
  /** Those that were verified and taken, in the order in which they came. */
  readonly taken: ReceivedMessage[] = [];
  /** What did not verify. */
  readonly forged: string[] = [];
  /** Tries that were refused. */
  refused = 0;
  secret: string | undefined;
  /** Status of the answer; the message is taken where it is one of success. */
  answer: (message: ReceivedMessage) => number = () => 204;
  /** Headers of each answer. */
  headers: Record<string, string> = {};
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** Listens on the port that it had before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.once('end', () => response.writeHead(this.#take(body, request.headers), this.headers).end());
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  /** Numbers of the events of a VM, each as it came. */
  numbersOf(vm: string): number[] {
    return this.taken.filter(({ data }) => data['vm'] === vm).map(({ data }) => Number(data['number']));
  }

  #take(body: string, headers: NodeJS.Dict<string | string[]>): number {
    try {
      const { type, timestamp, data } = new Webhook(this.secret ?? '').verify(
        body,
        headers as Record<string, string>,
      ) as Omit<ReceivedMessage, 'id' | 'receivedAt'>;
      const message = { id: String(headers['webhook-id']), type, timestamp, data, receivedAt: Date.now() };
      const status = this.answer(message);
      if (status < 300) this.taken.push(message);
      else this.refused += 1;
      return status;
    } catch (error) {
      this.forged.push(String(error));
      return 400;
    }
  }
}
