/** The program of a container image, as a guest starts it. Nothing is left to look up: the guest's agent has none of its files. */
export interface GuestContainer {
  /** Entrypoint and command of the image. */
  command: string[];
  /** Of the image; the VM's own go over it. */
  env: Record<string, string>;
  uid: number;
  gid: number;
  /** Further groups of the user. */
  groups: number[];
  workdir: string;
  /** Number of the signal that asks it to end. */
  stopSignal: number;
  /** Of its root directory, which its read-only file system does not say. */
  root: { mode: number; uid: number; gid: number };
}
