import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choosePort } from '../../../commands/start/ports.ts';

const none = new Set<number>();
let server: Server;
let taken: number;
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  taken = (server.address() as AddressInfo).port;
});
afterEach(() => server.close());

const wish = { host: '127.0.0.1', what: 'API', setting: '--api-port', spokenFor: none };

describe('choosePort', () => {
  it('moves from a default that is taken to a free port and says so', async () => {
    const { port, moved } = await choosePort({ ...wish, port: taken, wasAsked: false });
    expect(port).not.toBe(taken);
    expect(moved).toBe(`API: port ${taken} is taken, using ${port}`);
  });

  it('refuses a port that was asked for and is taken, and says how to set another', async () => {
    const refused = choosePort({ ...wish, port: taken, wasAsked: true });
    await expect(refused).rejects.toThrow(`port ${taken} on 127.0.0.1 is taken; end what listens there`);
    await expect(refused).rejects.toThrow('--api-port');
  });

  it('keeps a free port, takes any for 0 and none that is spoken for', async () => {
    const { port } = await choosePort({ ...wish, port: 0, wasAsked: true });
    expect(port).toBeGreaterThan(0);
    expect(await choosePort({ ...wish, port, wasAsked: true })).toEqual({ port, moved: null });
    const other = await choosePort({ ...wish, port, wasAsked: false, spokenFor: new Set([port]) });
    expect(other.port).not.toBe(port);
  });
});
