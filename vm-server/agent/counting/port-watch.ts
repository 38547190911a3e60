import { connect } from 'node:net';
import type { Log } from '../../log.ts';
import type { AppUsage } from './app-usage.ts';
import { countConnections } from './port-count.ts';

const POLL_INTERVAL_MS = 500;
const PROBE_TIMEOUT_MS = 1000;

export interface WatchedPorts {
  countPort: number | null;
  /** Further ports whose connections are counted. */
  alsoCount?: readonly number[];
  readyPort: number | null;
  /** The one IPv4 address of the program, where others of this computer have the same ports; absent: any. */
  ip?: string;
  /** True once the program has put a count itself, which is then not counted by its ports any more. */
  countsItself?: () => boolean;
  /** Ports whose connections to `countPort` are streams of the host's, counted where they are wished to be. */
  forwards?: ReadonlySet<number>;
}

/**
 * Watches another program by its ports: its count, polled, and whether it is ready. While counting fails
 * the count is unknown, and nothing is reported. Rejects when it fails at the start.
 */
export async function watchPorts(
  usage: AppUsage,
  { countPort, alsoCount = [], readyPort, forwards, ip, countsItself }: WatchedPorts,
  log: Log,
): Promise<{ recount: () => Promise<void> }> {
  const recount = async (): Promise<void> => {
    if (countPort === null || countsItself?.() === true) return;
    try {
      const counts = [countPort, ...alsoCount].map((port) => countConnections(port, forwards, ip));
      const sum = (await Promise.all(counts)).reduce((total, count) => total + count, 0);
      if (countsItself?.() !== true) usage.setConnections(sum);
    } catch (error) {
      if (usage.connections !== null) log(`${(error as Error).message}.`);
      usage.setConnections(null);
    }
  };
  const poll = async (): Promise<void> => {
    if (!usage.ready && readyPort !== null) usage.setReady(await accepts(readyPort, ip));
    await recount();
    if (countPort !== null || !usage.ready) setTimeout(() => void poll(), POLL_INTERVAL_MS);
  };
  if (countPort !== null) await countConnections(countPort);
  if (readyPort === null) usage.setReady(true);
  await poll();
  return { recount };
}

async function accepts(port: number, ip: string | undefined): Promise<boolean> {
  if (ip !== undefined) return acceptsOn(ip, port);
  return (await acceptsOn('127.0.0.1', port)) || (await acceptsOn('::1', port));
}

function acceptsOn(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host, port, timeout: PROBE_TIMEOUT_MS });
    const end = (accepted: boolean): void => {
      // A reset, so that the probe is not counted as a connection while the program says goodbye to it.
      probe.resetAndDestroy();
      resolve(accepted);
    };
    probe.on('connect', () => end(true));
    probe.on('timeout', () => end(false));
    probe.on('error', () => resolve(false));
  });
}
