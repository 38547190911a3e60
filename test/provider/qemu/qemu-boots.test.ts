/** Guests that boot beside each other on a computer with fewer cores than guests, round after round. */
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import type { Machine } from '../../../domain/machine/provider.ts';
import type { QemuImage } from '../../../providers/qemu/image/image-files.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import { untilAgentSaysReady } from '../../../test-support/agent-ready.ts';
import {
  askPort,
  guestRequest,
  processesOf,
  qemuHarness,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';

const never = { signal: new AbortController().signal };
const ROUNDS = 5;
const AT_ONCE = 4;
/** One try each: a boot that hangs is not hidden by a second one. */
const ONE_PATIENT_TRY = { bootTries: 1, bootDeadlineSeconds: 150 };

describe.skipIf(whyNoGuests())('guests beside each other', () => {
  let image: QemuImage;
  let harness: QemuHarness;
  beforeAll(async () => {
    image = await ensureImage();
    harness = await qemuHarness(image, ONE_PATIENT_TRY);
  }, 180_000);
  afterEach(() => harness.dispose());

  it(`all become ready, ${AT_ONCE} at once in ${ROUNDS} rounds, and leave nothing`, async () => {
    const addresses = new Set<string>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      const guests = await Promise.all(Array.from({ length: AT_ONCE }, () => bootedGuest(harness)));
      console.log(`round ${round}: ready after ${guests.map(({ seconds }) => `${seconds.toFixed(1)} s`).join(', ')}`);
      const ips = guests.map(({ machine }) => machine.address!.ip);
      expect(new Set(ips).size).toBe(AT_ONCE);
      for (const ip of ips) addresses.add(ip);
      await Promise.all(guests.map(({ machine }) => harness.provider.destroy(machine.machineId, never)));
      await nothingIsLeft(harness);
    }
    for (const ip of addresses) for (const port of [8080, AGENT_LOCAL_PORT]) await isFree(ip, port);
  }, 900_000);
});

/** A guest whose agent said that its app is ready, and whose app answers. */
async function bootedGuest({ provider }: QemuHarness): Promise<{ machine: Machine; seconds: number }> {
  const begunAt = Date.now();
  const machine = await provider.create(guestRequest(), never);
  if (machine.agent.kind !== 'unix') throw new Error('a guest has a channel for its agent');
  await untilAgentSaysReady({ socketPath: machine.agent.path, timeoutMs: ONE_PATIENT_TRY.bootDeadlineSeconds * 1000 });
  const seconds = (Date.now() - begunAt) / 1000;
  expect(await askPort(machine)).toContain('200');
  return { machine, seconds };
}

async function nothingIsLeft({ options, provider }: QemuHarness): Promise<void> {
  expect(await provider.list(never)).toEqual([]);
  const machines = join(options.stateDir, 'machines-qemu');
  expect(await readdir(machines)).toEqual([]);
  expect(await processesOf(machines)).toEqual([]);
}

/** Rejects when somebody listens there. */
async function isFree(ip: string, port: number): Promise<void> {
  const server = createServer();
  await once(server.listen(port, ip), 'listening');
  server.close();
}
