import { createServer } from 'node:net';
import { ScriptError } from '../terminal/terminal.ts';

/** Which port is wanted, and whether a person asked for just this one. */
export interface PortWish {
  host: string;
  port: number;
  wasAsked: boolean;
  /** For messages: what will listen there and how it is set. */
  what: string;
  setting: string;
  /** Ports that are spoken for, though nothing listens there yet. */
  spokenFor: ReadonlySet<number>;
}

/**
 * A port that is free now: the wished one, or another when a default is taken; `moved` says so then.
 * @throws ScriptError when the port was asked for and is taken.
 */
export async function choosePort(wish: PortWish): Promise<{ port: number; moved: string | null }> {
  const probe: Probe = wish.spokenFor.has(wish.port)
    ? { ok: false, code: 'EADDRINUSE' }
    : await tryListen(wish.host, wish.port);
  if (probe.ok) return { port: probe.port, moved: null };
  if (probe.code !== 'EADDRINUSE' || wish.wasAsked) {
    const trouble = probe.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${probe.code})`;
    throw new ScriptError(
      `${wish.what}: port ${wish.port} on ${wish.host} ${trouble}; end what listens there or set another with ${wish.setting}`,
    );
  }
  const other = await tryListen(wish.host, 0);
  if (!other.ok) throw new ScriptError(`${wish.what}: no free port on ${wish.host} (${other.code})`);
  return { port: other.port, moved: `${wish.what}: port ${wish.port} is taken, using ${other.port}` };
}

type Probe = { ok: true; port: number } | { ok: false; code: string };

/** Listens for a moment: the port that is free, the given one unless that is 0, or the code of the error. */
export function tryListen(host: string, port: number): Promise<Probe> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ ok: false, code: error.code ?? 'unknown' }));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const found = address !== null && typeof address === 'object' ? address.port : port;
      server.close(() => resolve({ ok: true, port: found }));
    });
  });
}
