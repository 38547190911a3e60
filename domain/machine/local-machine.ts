/**
 * What a local machine's directory holds (`<state dir>/machines/<machineId>/`): the contract between
 * `providers/local`, which writes the manifest, `providers/host`, which reads the rest, and `vm-server`, which is
 * the machine.
 * One process at a time is the machine: it creates `process.json` exclusively, so a second process of the same id steps
 * aside, and one that finds a tombstone ends at once. Only a start of a stopped machine removes the file of the last one.
 */
import type { MachineAddress, MachineLabels } from './provider.ts';
import type { RoomSize } from '../capacity/room.ts';
import type { PortSpec } from '../vm/spec.ts';

export const LOCAL_MACHINE_FILE = {
  /** {@link LocalManifest}, mode 0600, written by the provider before it starts the process. */
  manifest: 'machine.json',
  /** {@link LocalMachineProcess}, created exclusively by the machine: the lock of its one life. */
  process: 'process.json',
  /** {@link MachineAddress}, written atomically by the machine once it holds its address. */
  address: 'address.json',
  /** Output of the machine, capped by the machine itself. */
  console: 'console.log',
  /** One-time secret for the HTTP link, mode 0600; the machine deletes it after reading. */
  agentSecret: 'agent-secret',
  /** There while the machine is stopped on request, and until it runs again. */
  power: 'power.json',
  /** What programs in the machine keep; `EPHEMERA_DATA_DIR` names it to them. It outlives a stop, and goes with the machine. */
  data: 'data',
} as const;

export interface LocalManifest {
  labels: MachineLabels;
  createdAt: number;
  host: string;
  /** What its spec asked for; a stand-in has no walls, so this only counts where the host limits its room. */
  size?: RoomSize;
  ports: PortSpec[];
  env: Record<string, string>;
  /** Its image is {@link PROGRAM_IMAGE}: it runs a program of its user instead of the sample chat. */
  program?: {
    /** Where the command is run: the directory of the worker, so that a template of a checkout names its files. */
    directory: string;
  };
  /** Ranges that it claims its address from; absent: loopback. */
  addresses?: string[];
  /** Of the start that it was made for. */
  startSignature?: string;
  /** Of one that waits for its VM: by which VMs it may be adopted. */
  madeFor?: string;
  /** The machine has sealed input: its app starts once its agent has its assignment. */
  awaitsAssignment?: boolean;
  /** If this file exists the machine was destroyed and must not live. */
  tombstonePath: string;
  link: { kind: 'unix'; socketPath: string } | { kind: 'http'; apiUrl: string; apiCa?: string };
}

/** Written whole under another name, then linked to its own: it appears at once and only once. */
export interface LocalMachineProcess {
  pid: number;
  /**
   * Start time as the system tells it, so that a reused pid is not mistaken for the machine: field 22 of
   * `/proc/<pid>/stat` where there is a /proc, else what `LC_ALL=C ps -o lstart= -p <pid>` prints, trimmed.
   */
  startedAt: string;
}

export type LocalMachineAddress = MachineAddress;

/** The image of a local machine that runs a program of its user (docs/your-own-app.md). */
export const PROGRAM_IMAGE = 'program';

/** Variables of such a program. The user sets the first one, the machine the others. */
export const PROGRAM_VARIABLE = {
  /** The command line, run by `/bin/sh`; without it the startup script starts the program. */
  command: 'EPHEMERA_PROGRAM',
  /** The address that the program listens on, and no other. */
  ip: 'EPHEMERA_IP',
  /** With a port's name behind it in upper case, `-` as `_`: the port to listen on. */
  portPrefix: 'EPHEMERA_PORT_',
  /** Where it may `PUT /connections`, how many use it. */
  agentUrl: 'EPHEMERA_AGENT_URL',
} as const;

/**
 * The port on which each agent takes its app's count (`PUT /connections`). Binding it on a loopback address is
 * also how a local machine claims that address.
 */
export const AGENT_LOCAL_PORT = 7398;

/** The console file is cut to its newer half when it grows past this. */
export const CONSOLE_LIMIT_BYTES = 1024 * 1024;
