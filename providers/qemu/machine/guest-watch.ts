/**
 * Looks after running guests. One whose agent does not open its link within the boot's deadline is reset and
 * boots again, since a guest may hang for no reason of its own; after the last try QEMU is ended. A console that
 * grew too long is cut. What is known stands in the machine's directory, so any number of instances and restarts
 * act as one.
 */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { jsonText, readAddress, readProcess, writeOnce } from '../../host/files/machine-files.ts';
import { isAlive } from '../../host/processes/system-process.ts';
import { LINK_ID } from './command-line.ts';
import { capConsole } from './console-cap.ts';
import {
  QEMU_MACHINE_FILE,
  hasBooted,
  isOfOwnImage,
  readBootTry,
  readManifest,
  replaceJson,
  socketsOf,
  type BootTry,
} from './machine-manifest.ts';
import { hasLostUplink, whyUplinkGaveUp } from '../network/uplink-state.ts';
import { withQmp, type QmpSession } from './qmp.ts';

const BOOT_LOOK_EVERY_MS = 500;
const LOOK_EVERY_MS = 5000;

export interface BootLimits {
  /** How long one try may take. */
  deadlineSeconds: number;
  tries: number;
}

export class GuestWatch {
  readonly #limits: BootLimits;
  readonly #watched = new Set<string>();

  constructor(limits: BootLimits) {
    this.#limits = limits;
  }

  /** Looks after the machine in `dir` until it ends; again for a watched one is fine. */
  start(dir: string): void {
    if (this.#watched.has(dir)) return;
    this.#watched.add(dir);
    void this.#watch(dir).finally(() => this.#watched.delete(dir));
  }

  async #watch(dir: string): Promise<void> {
    for (;;) {
      // What cannot be read now may be at the next look; the machine is not known to have ended.
      const seen = await this.#look(dir).catch(() => 'unknown' as const);
      if (seen === 'ended') return;
      await sleep(seen === 'booting' ? BOOT_LOOK_EVERY_MS : LOOK_EVERY_MS, undefined, { ref: false });
    }
  }

  async #look(dir: string): Promise<'booting' | 'booted' | 'ended'> {
    const machine = await readProcess(dir);
    const manifest = await readManifest(dir);
    if (machine === undefined || manifest === undefined || !(await isAlive(machine))) return 'ended';
    // Before it has its address it may not be QEMU yet.
    if (
      manifest.network === 'namespace' &&
      (await readAddress(dir)) !== undefined &&
      (await hasLostUplink(machine.pid))
    ) {
      const why = await whyUplinkGaveUp(join(dir, QEMU_MACHINE_FILE.log));
      await noteOnConsole(dir, `the network of this virtual machine ended${why}; the machine is ended`);
      await withQmp(socketsOf(dir).qmp, (qmp) => qmp.execute('quit'));
    }
    await capConsole(join(dir, QEMU_MACHINE_FILE.console)).catch(() => undefined);
    // How long an image of the user's boots, and whether it has an agent, is known to its VM alone.
    if (isOfOwnImage(manifest) || (await hasBooted(dir))) return 'booted';
    // A QEMU that does not answer now may at the next look.
    await withQmp(socketsOf(dir).qmp, (qmp) => this.#lookAtBoot(dir, qmp)).catch(() => undefined);
    return 'booting';
  }

  async #lookAtBoot(dir: string, qmp: QmpSession): Promise<void> {
    const boot = await readBootTry(dir);
    if (boot === undefined) return;
    if (await isLinkOpen(qmp)) {
      await qmp.execute('set-action', { reboot: 'shutdown' });
      await writeOnce(dir, QEMU_MACHINE_FILE.booted, jsonText({ ...boot, bootedAt: Date.now() }));
      return;
    }
    const { deadlineSeconds, tries } = this.#limits;
    if (Date.now() < boot.startedAt + deadlineSeconds * 1000) return;
    const hung = `boot ${boot.number} of ${tries} did not reach the agent within ${deadlineSeconds} s`;
    if (boot.number >= tries) {
      await noteOnConsole(dir, `${hung}; the machine is ended`);
      await replaceJson(dir, QEMU_MACHINE_FILE.boot, { ...boot, hung: true } satisfies BootTry);
      await qmp.execute('quit');
      return;
    }
    await noteOnConsole(dir, `${hung}; the machine is reset`);
    await replaceJson(dir, QEMU_MACHINE_FILE.boot, { number: boot.number + 1, startedAt: Date.now() });
    // The machine is started so that a reset ends it. A kernel that is reset late in its boot resets itself once more.
    await qmp.execute('set-action', { reboot: 'reset' });
    await qmp.execute('system_reset');
  }
}

const devicesSchema = z.array(z.looseObject({ label: z.string(), 'frontend-open': z.boolean() }));

/** True once a program in the guest has the agent's port open. Errors: `backendUnavailable`. */
export async function isLinkOpen(qmp: QmpSession): Promise<boolean> {
  const devices = devicesSchema.safeParse(await qmp.execute('query-chardev'));
  if (!devices.success) throw new ProviderError('backendUnavailable', 'QEMU does not tell of its devices');
  return devices.data.some((device) => device.label === LINK_ID && device['frontend-open']);
}

/** A line on the console of the VM, where people look first. */
export async function noteOnConsole(dir: string, sentence: string): Promise<void> {
  await appendFile(join(dir, QEMU_MACHINE_FILE.console), `ephemera: ${sentence}\n`).catch(() => undefined);
}
