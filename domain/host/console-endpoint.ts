/**
 * Where a worker that serves machines of a cloud shows their consoles: said as the identity of its poller on the
 * provider's maintenance queue, so no store is needed, and a worker that is gone is forgotten.
 */
const PREFIX = 'ephemera-console ';

export interface ConsoleEndpoint {
  /** `host:port` */
  address: string;
  /** Of its key. */
  fingerprint: string;
}

/** `workerId`: tells apart workers for those who read the list of pollers. */
export function consoleIdentity({ address, fingerprint }: ConsoleEndpoint, workerId: string): string {
  return PREFIX + JSON.stringify({ address, fingerprint, workerId });
}

/** Undefined for pollers that show no consoles. */
export function parseConsoleIdentity(identity: string): ConsoleEndpoint | undefined {
  if (!identity.startsWith(PREFIX)) return undefined;
  try {
    const { address, fingerprint } = JSON.parse(identity.slice(PREFIX.length)) as Partial<ConsoleEndpoint>;
    return typeof address === 'string' && typeof fingerprint === 'string' ? { address, fingerprint } : undefined;
  } catch {
    return undefined;
  }
}
