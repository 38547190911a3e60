/**
 * What a guest of `providers/qemu` gets and how it is reached: the contract between the provider and
 * `vm-server guest`, which is the program of the guest.
 */
import type { PortSpec } from '../vm/spec.ts';
import { parseGuestContainer, type GuestContainer } from './guest-container.ts';

/**
 * Given to the guest as a firmware file, read by its root alone. Unlike a message over the link it needs no
 * live program on the host, is there again at each try of a boot, and, unlike a kernel command line, is seen by
 * nobody else on the host. What is really secret comes over the link, from memory to memory.
 */
export interface GuestAssignment {
  machineId: string;
  vm: string;
  ports: PortSpec[];
  env: Record<string, string>;
  /** The machine has sealed input: its app starts once its agent has its assignment. */
  awaitsAssignment?: boolean;
  /** What it runs, where it boots a container image. */
  container?: GuestContainer;
}

/** Name of the firmware file that holds the {@link GuestAssignment}. */
export const GUEST_ASSIGNMENT_NAME = 'opt/ephemera/assignment';

/** Name of the virtio-serial port that is the agent link. A guest has booted once its agent opened this port. */
export const GUEST_LINK_PORT = 'ephemera';

/** The assignment in a parsed JSON text, or undefined when it is none. */
export function parseGuestAssignment(value: unknown): GuestAssignment | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { machineId, vm, ports, env, awaitsAssignment, container } = value as Partial<
    Record<keyof GuestAssignment, unknown>
  >;
  if (typeof machineId !== 'string' || typeof vm !== 'string') return undefined;
  if (!Array.isArray(ports) || typeof env !== 'object' || env === null) return undefined;
  const program = parseGuestContainer(container);
  return {
    machineId,
    vm,
    ports: ports as PortSpec[],
    env: env as Record<string, string>,
    awaitsAssignment: awaitsAssignment === true,
    ...(program === undefined ? {} : { container: program }),
  };
}
