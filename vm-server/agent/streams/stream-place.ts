/** What streams reach on a machine. */
export interface StreamPlace {
  /** Addresses whose ports are forwarded, tried in this order. */
  addresses: readonly string[];
  /** Where commands start, and what relative paths begin at. */
  directory: string;
  /** What paths of files are of, and stay in; null: the whole machine. */
  filesRoot: string | null;
  /** Ports of our own end of forwarded connections: who counts the app's connections leaves them out. */
  forwards: Set<number>;
}

/** A virtual machine: all of it. */
export function wholeMachine(): StreamPlace {
  return { addresses: ['127.0.0.1', '::1'], directory: '/', filesRoot: null, forwards: new Set() };
}
