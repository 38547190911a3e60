/** What a stream is opened for, as the host asks an agent. */

export interface PortRequest {
  kind: 'port';
  /** TCP port on the loopback of the machine. */
  port: number;
}

export interface ExecRequest {
  kind: 'exec';
  /** Program and arguments; no shell is between. */
  command: string[];
  env: Record<string, string>;
  /** Absent: where the agent starts commands. */
  cwd?: string;
  /** The command is killed after this; absent: never. */
  timeoutSeconds?: number;
  /** A terminal of this size; absent: pipes. */
  tty?: TerminalSize;
}

export interface TerminalSize {
  rows: number;
  columns: number;
}

export interface FilesRequest {
  kind: 'files';
  /** `read`: a tar of the path comes; `write`: a tar is unpacked in the path. */
  action: 'read' | 'write';
  path: string;
}

export type StreamRequest = (PortRequest | ExecRequest | FilesRequest) & {
  /** The stream counts as a connection of its VM while it is open. */
  countsAsConnection: boolean;
};

/** What travels on a stream besides bytes of standard input and output. */
export const CHANNEL = {
  /** Bytes of a port or a tar; standard input and output. */
  data: 0,
  /** Standard error. */
  stderr: 2,
  /** JSON: an {@link ExitNote} of an agent, the size of a terminal of a host. */
  note: 3,
} as const;

/** How a command, or the tar of a file request, ended. */
export interface ExitNote {
  type: 'exit';
  /** Null where a signal ended it. */
  exitCode: number | null;
  signal?: string;
  timedOut?: boolean;
  /** The last words of a tar that failed. */
  detail?: string;
}

export const EXEC_LIMITS = {
  /** Program, arguments and variables, as JSON. */
  bytes: 64 * 1024,
  arguments: 1000,
  variables: 256,
  mostTimeoutSeconds: 3600,
  mostRows: 1000,
  mostColumns: 1000,
} as const;

export const MAX_PATH_LENGTH = 4096;

/** A request in a parsed JSON value, or undefined when it is none. */
export function parseStreamRequest(value: unknown): StreamRequest | undefined {
  if (!isRecord(value)) return undefined;
  const countsAsConnection = value['countsAsConnection'] === true;
  switch (value['kind']) {
    case 'port': {
      const { port } = value;
      return isWithin(port, 1, 65_535) ? { kind: 'port', port, countsAsConnection } : undefined;
    }
    case 'exec': {
      const exec = parseExec(value);
      return exec && { ...exec, countsAsConnection };
    }
    case 'files': {
      const { action, path } = value;
      if (action !== 'read' && action !== 'write') return undefined;
      if (typeof path !== 'string' || path === '' || path.length > MAX_PATH_LENGTH || path.includes('\0'))
        return undefined;
      return { kind: 'files', action, path, countsAsConnection };
    }
    default:
      return undefined;
  }
}

function parseExec(value: Record<string, unknown>): ExecRequest | undefined {
  const { command, env = {}, cwd, timeoutSeconds, tty } = value;
  if (!Array.isArray(command) || command.length === 0 || command.length > EXEC_LIMITS.arguments) return undefined;
  if (!command.every(isText)) return undefined;
  if (!isRecord(env) || Object.keys(env).length > EXEC_LIMITS.variables) return undefined;
  if (
    !Object.entries(env).every(([name, text]) => name !== '' && !name.includes('=') && isText(name) && isText(text))
  ) {
    return undefined;
  }
  if (cwd !== undefined && (!isText(cwd) || cwd === '')) return undefined;
  if (timeoutSeconds !== undefined && !isWithin(timeoutSeconds, 1, EXEC_LIMITS.mostTimeoutSeconds)) return undefined;
  const size = tty === undefined ? undefined : parseTerminalSize(tty);
  if (tty !== undefined && size === undefined) return undefined;
  return {
    kind: 'exec',
    command,
    env: env as Record<string, string>,
    ...(cwd === undefined ? {} : { cwd }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(size === undefined ? {} : { tty: size }),
  };
}

/** Rows and columns in a parsed JSON value, or undefined. */
export function parseTerminalSize(value: unknown): TerminalSize | undefined {
  if (!isRecord(value)) return undefined;
  const { rows, columns } = value;
  if (!isWithin(rows, 1, EXEC_LIMITS.mostRows) || !isWithin(columns, 1, EXEC_LIMITS.mostColumns)) return undefined;
  return { rows, columns };
}

/** What an agent says of an end, or undefined when it says nothing of the kind. */
export function parseExitNote(value: unknown): ExitNote | undefined {
  if (!isRecord(value) || value['type'] !== 'exit') return undefined;
  const { exitCode, signal, timedOut, detail } = value;
  if (exitCode !== null && !isWithin(exitCode, 0, 0xffff_ffff)) return undefined;
  return {
    type: 'exit',
    exitCode,
    ...(typeof signal === 'string' && /^SIG[A-Z0-9]{1,12}$/.test(signal) ? { signal } : {}),
    ...(timedOut === true ? { timedOut } : {}),
    ...(typeof detail === 'string' ? { detail: detail.slice(0, 1000) } : {}),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}
