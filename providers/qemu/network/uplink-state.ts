/** What the uplink of a guest last said of itself, in a file of the machine that is made anew at each start. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { plainConsoleText } from '../../../domain/machine/console-text.ts';
import { readText } from '../../host/files/checked-file.ts';
import { readTail } from '../../host/files/machine-files.ts';
import { unlessAbsent } from '../../host/host-failure.ts';
import { UPLINK_GAVE_UP, UPLINK_WORD } from './uplink-script.ts';

export const UPLINK_FILE = 'uplink';
const LOG_TAIL_BYTES = 4000;

/**
 * The address that the machine answers on, once it has one. What was taken before `since`, in epoch ms, may be free by now; the
 * uplink tries again all the time. Errors: `portTaken`, `addressesExhausted`, `hostFailure`.
 */
export async function addressOfUplink(dir: string, since: number): Promise<string | undefined> {
  const path = join(dir, UPLINK_FILE);
  const said = ((await readText(path)) ?? '').trim();
  const [word, rest = ''] = split(said);
  if (word === UPLINK_WORD.joined) return rest;
  const changed = await unlessAbsent(stat(path));
  if (word === UPLINK_WORD.taken && changed !== undefined && changed.mtimeMs > since) throw takenError(rest);
  return undefined;
}

/** Why an uplink could not be made at all; undefined where that is not what happened. */
export async function failureOfUplink(dir: string): Promise<ProviderError | undefined> {
  const [word, rest] = split(((await readText(join(dir, UPLINK_FILE))) ?? '').trim());
  if (word !== UPLINK_WORD.failed) return undefined;
  return new ProviderError('networkUnavailable', `the network of the guest cannot be made: ${rest ?? ''}`);
}

/** Whether the uplink of a QEMU that runs has ended: nobody reaches the guest any more, and nobody can make it another. */
export async function hasLostUplink(qemuPid: number): Promise<boolean> {
  const children = ((await readText(`/proc/${qemuPid}/task/${qemuPid}/children`)) ?? '').split(' ').filter(Boolean);
  const stats = await Promise.all(children.map((pid) => readText(`/proc/${pid}/stat`)));
  return !stats.some((stat) => stat !== undefined && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2)));
}

/** `, for …` where the uplink gave up by itself and said why in QEMU's log; else nothing. */
export async function whyUplinkGaveUp(logFile: string): Promise<string> {
  const lines = plainConsoleText(new TextDecoder().decode(await readTail(logFile, LOG_TAIL_BYTES))).split('\n');
  const said = lines.findLast((line) => line.startsWith(UPLINK_GAVE_UP));
  return said === undefined ? '' : `, for ${said.trim()}`;
}

/** In the words of pasta: `Failed to bind any port for '-t 127.0.0.1/8080', exiting`. */
function takenError(text: string): ProviderError {
  const [, option, ip = 'its address', port = ''] = /-([tu]) (\S+)\/(\d+)/.exec(text) ?? [];
  if (option === undefined || Number(port) === AGENT_LOCAL_PORT) {
    return new ProviderError('addressesExhausted', `no address has port ${AGENT_LOCAL_PORT} free: ${text}`);
  }
  return new ProviderError(
    'portTaken',
    `${option === 't' ? 'tcp' : 'udp'} port ${port} cannot be bound on ${ip} or any other address: stop the program that ` +
      'listens on it on 0.0.0.0, or give the machine another port',
  );
}

function split(line: string): [string, string | undefined] {
  const space = line.indexOf(' ');
  return space < 0 ? [line, undefined] : [line.slice(0, space), line.slice(space + 1)];
}
