import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLinkOpen } from '../../../providers/qemu/machine/guest-watch.ts';
import { withQmp } from '../../../providers/qemu/machine/qmp.ts';

const GREETING = '{"QMP": {"version": {}, "capabilities": []}}\r\n';

describe('the control socket of a QEMU', () => {
  let directory: string;
  let server: Server;
  let clients: Socket[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eph-'));
    clients = [];
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** Answers the greeting and each command as told; an answer of `undefined` is none. */
  async function qemuThat(answers: (command: string, id: number, client: Socket) => string | undefined) {
    const path = join(directory, `${randomUUID().slice(0, 8)}.sock`);
    server = createServer((client) => {
      clients.push(client);
      client.on('error', () => undefined);
      client.write(GREETING);
      client.on('data', (chunk) => {
        const { execute, id } = JSON.parse(chunk.toString()) as { execute: string; id: number };
        const answer =
          execute === 'qmp_capabilities' ? `{"return": {}, "id": ${id}}\r\n` : answers(execute, id, client);
        if (answer !== undefined) client.write(answer);
      });
    }).listen(path);
    await once(server, 'listening');
    return path;
  }
  const ask = (path: string): Promise<unknown> => withQmp(path, ({ execute }) => execute('query-status'));

  it('gives the answer, past events and lines that are for nobody', async () => {
    const path = await qemuThat(
      (_, id) => `{"event": "RESUME"}\r\n\r\n{"return": 1, "id": 99}\n{"return": "up", "id": ${id}}\n`,
    );
    expect(await ask(path)).toBe('up');
  });

  it.each([
    ['that is no JSON', 'qemu: aborting\n'],
    ['of another kind', '[1, 2]\n'],
    ['with a text as its id', '{"return": {}, "id": "1"}\n'],
    ['that is null', 'null\n'],
  ])('that sends a line %s fails the session alone, and can be tried again', async (_, line) => {
    const path = await qemuThat(() => line);
    await expect(ask(path)).rejects.toMatchObject({ code: 'backendUnavailable', terminal: false });
  });

  it('that sends without end is cut off', async () => {
    let sent = 0;
    const path = await qemuThat((_command, _id, client) => {
      const block = 'x'.repeat(64 * 1024);
      const more = (): void => {
        while (!client.destroyed && client.write(block)) sent += block.length;
      };
      client.on('drain', more);
      more();
      return undefined;
    });
    await expect(ask(path)).rejects.toMatchObject({ code: 'backendUnavailable' });
    await expect.poll(() => clients[0]?.destroyed).toBe(true);
    expect(sent).toBeLessThan(8 * 1024 * 1024);
  });

  it('that describes its devices in another shape fails the look alone', async () => {
    const path = await qemuThat((_, id) => `{"return": {"label": "link0"}, "id": ${id}}\n`);
    await expect(withQmp(path, isLinkOpen)).rejects.toMatchObject({ code: 'backendUnavailable' });
  });
});
