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

/** The program in a parsed JSON value, or undefined when it is none. */
export function parseGuestContainer(value: unknown): GuestContainer | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { command, env, uid, gid, groups, workdir, stopSignal, root } = value as Partial<
    Record<keyof GuestContainer, unknown>
  >;
  const isId = (one: unknown): one is number => typeof one === 'number' && Number.isInteger(one) && one >= 0;
  const isText = (one: unknown): one is string => typeof one === 'string';
  if (!Array.isArray(command) || command.length === 0 || !command.every(isText)) return undefined;
  if (typeof env !== 'object' || env === null || !Object.values(env).every(isText)) return undefined;
  if (!isId(uid) || !isId(gid) || !Array.isArray(groups) || !groups.every(isId)) return undefined;
  if (!isText(workdir) || !isId(stopSignal) || typeof root !== 'object' || root === null) return undefined;
  const { mode, uid: rootUid, gid: rootGid } = root as Partial<Record<keyof GuestContainer['root'], unknown>>;
  if (!isId(mode) || !isId(rootUid) || !isId(rootGid)) return undefined;
  const ofRoot = { mode, uid: rootUid, gid: rootGid };
  return { command, env: env as Record<string, string>, uid, gid, groups, workdir, stopSignal, root: ofRoot };
}
