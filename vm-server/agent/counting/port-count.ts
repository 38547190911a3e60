import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const ESTABLISHED = '01';

/** 127.x, ::1 and ::ffff:127.x as the kernel prints them. */
const LOOPBACK = /^(?:0{16}FFFF0000)?[0-9A-F]{6}7F$|^0{24}01000000$/;

const NONE: ReadonlySet<number> = new Set();

/**
 * How many established connections to local port `port` are in the text of /proc/net/tcp or tcp6; not those of `but`, and
 * with `ip` only those to this IPv4 address.
 */
export function countInProcNet(table: string, port: number, but = NONE, ip?: string): number {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const wantedIp = ip === undefined ? undefined : asInProcNet(ip);
  return table.split('\n').filter((line) => {
    const [, localAddress, remoteAddress, state] = line.trim().split(/\s+/);
    const [to = '', toPort] = localAddress?.split(':') ?? [];
    if (state !== ESTABLISHED || toPort !== wanted) return false;
    if (wantedIp !== undefined && !to.endsWith(wantedIp)) return false;
    const [from = '', remotePort = ''] = remoteAddress?.split(':') ?? [];
    return !(LOOPBACK.test(from) && but.has(parseInt(remotePort, 16)));
  }).length;
}

/** An IPv4 address as the kernel prints it, also at the end of one that is mapped into IPv6. */
function asInProcNet(ip: string): string {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'));
  return bytes.reverse().join('');
}

/** The same in the output of `netstat -an`, as macOS, BSD and Windows print it. */
export function countInNetstat(output: string, port: number): number {
  return output.split('\n').filter((line) => {
    const [protocol, ...fields] = line.trim().split(/\s+/);
    if (!protocol?.toLowerCase().startsWith('tcp') || fields.at(-1) !== 'ESTABLISHED') return false;
    // macOS writes 10.0.0.1.8080, Windows 10.0.0.1:8080, in front of the peer's address.
    return fields.at(-3)?.split(/[.:]/).at(-1) === String(port);
  }).length;
}

/**
 * Counts the established TCP connections to a local port, IPv4 and IPv6, or to that of one IPv4 address. Rejects where the
 * system does not tell; only Linux tells addresses apart.
 */
export async function countConnections(port: number, but = NONE, ip?: string): Promise<number> {
  const ipv4 = await readTable('/proc/net/tcp');
  if (ipv4 !== undefined) return countInProcNet(`${ipv4}\n${(await readTable('/proc/net/tcp6')) ?? ''}`, port, but, ip);
  try {
    const { stdout } = await promisify(execFile)('netstat', ['-an'], { maxBuffer: 64 * 1024 * 1024 });
    return countInNetstat(stdout, port);
  } catch (error) {
    throw new Error(
      'TCP connections cannot be counted here: there is no /proc/net/tcp and `netstat -an` fails. ' +
        'Let the program put its own count to the agent instead',
      { cause: error },
    );
  }
}

/** A table of the kernel; undefined where there is none, as there is no tcp6 without IPv6. */
async function readTable(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return undefined;
  }
}
