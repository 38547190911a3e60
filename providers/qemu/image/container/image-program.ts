/** How the program of an image is started, with everything looked up that only its files tell. */
import { constants } from 'node:os';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import type { GuestContainer } from '../../../../domain/machine/guest-container.ts';
import type { PortSpec } from '../../../../domain/vm/spec.ts';
import type { ImageConfig } from './image-config.ts';

/** What programs find where their image says nothing, as container runtimes have it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MAX_ID = 0xffff_fffe;
/** The first of the signals that only have numbers. */
const RTMIN = 34;
const RTMAX = 64;

/** The lists of users and groups in the image, `null` where it has none. */
export interface AccountFiles {
  passwd: string | null;
  group: string | null;
}

interface ImageToStart {
  config: ImageConfig;
  accounts: AccountFiles;
  root: GuestContainer['root'];
}

/** Errors: `imageRefused` where nothing says what to start, or as which user. */
export function programOf({ config, accounts, root }: ImageToStart, what: string): GuestContainer {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (command.length === 0 || command[0] === '') {
    throw refused(`${what} has neither an entrypoint nor a command, so there is nothing to start: build it with one`);
  }
  const { home, ...user } = userOf(config.User ?? '', accounts, what);
  const env = { PATH: DEFAULT_PATH, HOME: home, ...environmentOf(config.Env ?? [], what) };
  const workdir = config.WorkingDir ?? '';
  const texts = [...command, workdir, ...Object.entries(env).flat()];
  if (texts.some((text) => text.includes('\0'))) throw refused(`${what} has a NUL character in how it is started`);
  return {
    command,
    env,
    ...user,
    workdir: workdir.startsWith('/') ? workdir : `/${workdir}`,
    stopSignal: signalOf(config.StopSignal ?? '', what),
    root,
  };
}

/** The ports that it says it listens on, as a spec has them. */
export function exposedPorts({ ExposedPorts }: ImageConfig): PortSpec[] {
  return Object.keys(ExposedPorts ?? {}).flatMap((text): PortSpec[] => {
    const [, number = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
    const port = Number(number);
    if (port < 1 || port > 65_535) return [];
    const isUdp = protocol === 'udp';
    return [{ name: `${isUdp ? 'udp' : 'port'}-${port}`, port, protocol: isUdp ? 'udp' : 'tcp' }];
  });
}

function environmentOf(lines: readonly string[], what: string): Record<string, string> {
  const entries = lines.map((line): [string, string] => {
    const equals = line.indexOf('=');
    if (equals === 0) throw refused(`${what} has a variable without a name: ${JSON.stringify(line.slice(0, 100))}`);
    return equals === -1 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
  });
  return Object.fromEntries(entries);
}

interface User {
  uid: number;
  gid: number;
  groups: number[];
  home: string;
}

interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

interface Group {
  name: string;
  gid: number;
  members: string[];
}

/**
 * The user of `USER`, `USER:GROUP` or nothing, names looked up in the image's own files, by the rules of Docker: a number
 * needs no entry; a group that is said takes the place of all others.
 */
function userOf(said: string, { passwd, group }: AccountFiles, what: string): User {
  const [userPart = '', groupPart = ''] = said.split(':');
  const accounts = linesOf(passwd).flatMap(accountIn);
  const groups = linesOf(group).flatMap(groupIn);
  const wanted = userPart === '' ? '0' : userPart;
  const number = idOf(wanted);
  const account = accounts.find(({ name, uid }) => name === wanted || uid === number);
  if (account === undefined && number === undefined) {
    throw refused(`${what} runs as the user ${JSON.stringify(wanted)}, whom its /etc/passwd does not have`);
  }
  const uid = account?.uid ?? number ?? 0;
  const home = account?.home ?? '/';
  if (groupPart === '') {
    const memberOf = account === undefined ? [] : groups.filter(({ members }) => members.includes(account.name));
    return { uid, gid: account?.gid ?? 0, groups: memberOf.map(({ gid }) => gid), home };
  }
  const groupNumber = idOf(groupPart);
  const gid = groups.find((one) => one.name === groupPart || one.gid === groupNumber)?.gid ?? groupNumber;
  if (gid === undefined) {
    throw refused(`${what} runs with the group ${JSON.stringify(groupPart)}, which its /etc/group does not have`);
  }
  return { uid, gid, groups: [], home };
}

function linesOf(text: string | null): string[] {
  return (text ?? '').split('\n').map((line) => line.trim());
}

function accountIn(line: string): Account[] {
  const [name = '', , uid = '', gid = '', , home = ''] = line.split(':');
  const [user, group] = [idOf(uid), idOf(gid)];
  if (name === '' || user === undefined || group === undefined) return [];
  return [{ name, uid: user, gid: group, home: home === '' ? '/' : home }];
}

function groupIn(line: string): Group[] {
  const [name = '', , gid = '', members = ''] = line.split(':');
  const group = idOf(gid);
  return name === '' || group === undefined ? [] : [{ name, gid: group, members: members.split(',') }];
}

function idOf(text: string): number | undefined {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return number <= MAX_ID ? number : undefined;
}

/** `SIGTERM`, `TERM`, `15`, `RTMIN+3`; without one, what container runtimes send. */
function signalOf(text: string, what: string): number {
  if (text === '') return constants.signals.SIGTERM;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, sign = '+', offset = '0'] = /^(RTMIN|RTMAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const known = /^\d{1,2}$/.test(name) ? Number(name) : numbers[`SIG${name}`];
  const realTime = (base === 'RTMIN' ? RTMIN : RTMAX) + (sign === '-' ? -1 : 1) * Number(offset);
  const signal = base === undefined ? known : realTime;
  if (signal !== undefined && signal >= 1 && signal <= RTMAX) return signal;
  throw refused(`${what} is stopped by the signal ${JSON.stringify(text)}, which Linux does not have`);
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}
