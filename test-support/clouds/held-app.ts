/** An app on port 8080 of a played server that tells the agent beside it who holds its page `/hold` open. */
import { createServer, type Server } from 'node:http';

const PORT = 8080;

export class HeldApp {
  readonly #servers: Server[];
  readonly #agentPort: number;
  #held = 0;
  #closed = false;

  /** Says its name to any other request. `agentPort`: where the agent takes the count, on 127.0.0.1. */
  constructor(name: string, ips: readonly string[], agentPort: number) {
    this.#agentPort = agentPort;
    this.#servers = ips.map((ip) => {
      const server = createServer((request, response) => {
        if (request.url !== '/hold') return void response.end(name);
        this.#count(1);
        response.write('held\n');
        response.on('close', () => this.#count(-1));
      });
      server.on('error', (error) => process.stderr.write(`guest app: ${error.message}\n`));
      return server.listen(PORT, ip);
    });
  }

  /** Tells the agent the count until it was heard once. */
  async tellUntilHeard(): Promise<void> {
    while (!this.#closed && !(await this.#put().catch(() => false))) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  close(): void {
    this.#closed = true;
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  #count(change: number): void {
    this.#held += change;
    void this.#put().catch(() => undefined);
  }

  async #put(): Promise<boolean> {
    const url = `http://127.0.0.1:${this.#agentPort}/connections`;
    return (await fetch(url, { method: 'PUT', body: `${this.#held}` })).ok;
  }
}
