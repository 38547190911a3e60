import type { ExecRequest, FilesRequest } from '../../../domain/agent/streams/requests.ts';

/**
 * A root of its own in the machine: the words that start a command or a tar there. Why it could not be begun they say on descriptor 3,
 * as a code of a stream's end and a text.
 */
export interface InnerRoot {
  /** @throws Error that says why nothing can be started there now. */
  command: (request: ExecRequest) => [string, ...string[]];
  /** @throws Error as of {@link command}. */
  tar: (request: FilesRequest) => [string, ...string[]];
}

/** What streams reach on a machine. */
export interface StreamPlace {
  /** Addresses whose ports are forwarded, tried in this order. */
  addresses: readonly string[];
  /** Where commands start, and what relative paths begin at. */
  directory: string;
  /** What paths of files are of, and stay in; null: the whole machine. */
  filesRoot: string | null;
  /** Where commands run and files are, where that is not what the agent itself sees; `directory` and `filesRoot` mean nothing then. */
  inner?: InnerRoot;
  /** Ports of our own end of forwarded connections: who counts the app's connections leaves them out. */
  forwards: Set<number>;
}

/** A virtual machine: all of it. */
export function wholeMachine(): StreamPlace {
  return { addresses: ['127.0.0.1', '::1'], directory: '/', filesRoot: null, forwards: new Set() };
}
