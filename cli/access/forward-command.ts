/** Ports of a VM on this computer. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Command } from 'commander';
import type { Vm } from '../../client/ephemera.ts';
import {
  command,
  orDidYouMean,
  withDeployment,
  withSession,
  type Cli,
  type CommonOptions,
  type Session,
} from '../context.ts';
import { CliError, usageError } from '../exit-codes.ts';
import { note, print } from '../output/print.ts';

interface ForwardOptions extends CommonOptions {
  address: string;
  keepAlive?: boolean;
}

export interface Forwarded {
  local: number;
  remote: number;
}

export function forwardCommand(cli: Cli): Command {
  const one = command('forward', 'Listens here, and connects each client with a port of a VM.', [
    ['ephemera forward lobby 8080', 'http://127.0.0.1:8080 is port 8080 of the VM'],
    ['ephemera forward lobby 8080:80 5432', 'two at once, one at another port'],
    ['ephemera forward lobby 0:http', 'at a free port; `http` is the name of a port in its spec'],
  ])
    .argument('<name>', 'the VM')
    .argument(
      '<port...>',
      '[LOCAL:]REMOTE; REMOTE is a TCP port on the loopback of the VM, or the name of one in its spec',
    )
    .option('--address <IP>', 'where it listens', '127.0.0.1')
    .option('--keep-alive', 'each connection counts as a user of the VM (default: off)');
  return withDeployment(one).action((name: string, ports: string[], options: ForwardOptions) =>
    withSession(cli, options, async (session) => {
      const vm = await orDidYouMean(session, name, session.ephemera.vms.get(name, { signal: session.signal }));
      const forwarded = ports.map((text) => forwardedOf(text, vm));
      const servers = forwarded.map(({ remote }) => serverFor(session, name, remote, options.keepAlive ?? false));
      try {
        for (const [at, server] of servers.entries()) {
          const { local, remote } = forwarded[at] ?? { local: 0, remote: 0 };
          const port = await listen(server, local, options.address);
          print(`${options.address}:${port} -> ${name}:${remote}`);
        }
        if (!session.signal.aborted) await once(session.signal, 'abort');
        session.signal.throwIfAborted();
      } finally {
        for (const server of servers) server.close();
      }
    }),
  );
}

/** @throws CliError for what is no port. */
export function forwardedOf(text: string, vm: Pick<Vm, 'name' | 'spec'>): Forwarded {
  const [, local, remote = ''] = /^(?:(\d{1,5}):)?([\w-]+)$/.exec(text) ?? [];
  const named = vm.spec.ports.find(({ name }) => name === remote)?.port;
  const port = /^\d{1,5}$/.test(remote) ? Number(remote) : named;
  if (port === undefined)
    throw usageError(`${text} is no port of ${vm.name}: write [LOCAL:]REMOTE, as 8080 or 8080:80`);
  const here = local === undefined ? port : Number(local);
  if (port < 1 || port > 65_535 || here > 65_535) throw usageError(`${text}: ports go to 65535`);
  return { local: here, remote: port };
}

async function listen(server: Server, port: number, address: string): Promise<number> {
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'is taken; write another one before it, as 0:80 for a free one'
        : `failed (${String(code)})`;
    throw new CliError(`${address}:${port} ${why}`);
  }
  return (server.address() as AddressInfo).port;
}

function serverFor(session: Session, name: string, port: number, countsAsConnection: boolean): Server {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    void connect(session, { name, port, countsAsConnection }, socket);
  });
  return server;
}

/** One client: its own stream into the VM, each direction of which ends by itself. */
async function connect(
  { ephemera, signal }: Session,
  to: { name: string; port: number; countsAsConnection: boolean },
  socket: Socket,
): Promise<void> {
  const { name, port, countsAsConnection } = to;
  const complain = (error: Error): void => {
    note(`✗ ${name}:${port}: ${error.message}`);
    socket.destroy();
  };
  try {
    const stream = await ephemera.vms.openPort(
      name,
      port,
      {
        onData: (bytes) => (socket.write(bytes) ? undefined : drained(socket)),
        onEnd: () => socket.end(),
        onClose: (error) => (error === undefined ? socket.end() : complain(error)),
      },
      { countsAsConnection },
    );
    const hangUp = (): void => stream.close();
    signal.addEventListener('abort', hangUp, { once: true });
    socket.once('close', () => {
      signal.removeEventListener('abort', hangUp);
      stream.close();
    });
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) await stream.write(chunk as Uint8Array);
    stream.end();
  } catch (error) {
    if (!socket.destroyed) complain(error instanceof Error ? error : new Error(String(error)));
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      for (const event of ['drain', 'close']) socket.off(event, go);
      resolve();
    };
    for (const event of ['drain', 'close']) socket.once(event, go);
  });
}
