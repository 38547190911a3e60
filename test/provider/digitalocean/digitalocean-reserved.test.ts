/** Reserved addresses of machines: one for each that asks for one, and none that is left behind and paid for. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CreateMachineRequest, MachineProvider } from '../../../domain/machine/provider.ts';
import {
  chatOnDigitalOcean,
  digitalOceanHarness,
  digitalOceanRequest,
  warmClient,
  type DigitalOceanHarness,
} from '../../../test-support/digitalocean-server/harness.ts';
import { eventually } from '../../../test-support/eventually.ts';

const never = { signal: new AbortController().signal };

beforeAll(warmClient);

let harness: DigitalOceanHarness;
beforeEach(async () => {
  // An address is on its way for longer than it takes to look again.
  harness = await digitalOceanHarness({ stepMs: 150 });
});
afterEach(() => harness.dispose());

const withReserved = (): MachineProvider =>
  harness.withOptions({ rules: { vpcs: [], externalIp: 'reserved', sizes: ['s-*'] } });
const external = (): CreateMachineRequest => digitalOceanRequest({ spec: chatOnDigitalOcean({ externalIp: true }) });
const addresses = (): string[] => [...harness.server.model.reservedIps.all.keys()];
const untilOnly = (ip: string | undefined): Promise<void> => eventually(() => expect(addresses()).toEqual([ip]));
const untilNothing = (): Promise<void> =>
  eventually(() => expect([addresses(), [...harness.server.model.droplets.keys()]]).toEqual([[], []]));

describe('a reserved address', () => {
  it('is one for each machine, answers, stays over a stop and a start, and goes with the machine', async () => {
    const provider = withReserved();
    const request = external();
    const { machineId, agentBootstrap } = request;
    const machine = await provider.create(request, never);
    await untilOnly(machine.address?.ip);
    expect(await harness.askMachine(machine)).toContain(machineId);
    await provider.power!.stop(machineId, never);
    const again = await withReserved().power!.start({ machineId, agentBootstrap }, never);
    expect(again.address?.ip).toBe(machine.address?.ip);
    await provider.destroy(machineId, never);
    await untilNothing();
  });

  it('is one where two workers create the machine at once', async () => {
    const request = external();
    const workers = [withReserved(), withReserved()];
    const machines = await Promise.all(workers.map((worker) => worker.create(request, never)));
    expect(machines[0]?.address?.ip).toBe(machines[1]?.address?.ip);
    await untilOnly(machines[0]?.address?.ip);
    await workers[1]!.destroy(request.machineId, never);
    await untilNothing();
  });

  it('is one where the answer to its making is lost, though DigitalOcean does not say at once whose it is', async () => {
    harness.server.faults.add({ method: 'reservedIps.create', times: 1, what: { kind: 'resetAfter' } });
    const machine = await withReserved().create(external(), never);
    expect(addresses()).toEqual([machine.address?.ip]);
    await withReserved().destroy(machine.machineId, never);
    await untilNothing();
  });

  it('is not made anew for a machine that is going, whoever looks at it', async () => {
    const provider = withReserved();
    const { machineId } = await provider.create(external(), never);
    const watching = withReserved();
    const over = new AbortController();
    const looks = (async () => {
      while (!over.signal.aborted) await watching.list(never);
    })();
    await provider.destroy(machineId, never);
    over.abort();
    await looks;
    await untilNothing();
  });

  it('goes with a machine that is destroyed while the address is on its way', async () => {
    const provider = withReserved();
    const request = external();
    const creating = provider.create(request, never).catch((error: unknown) => error);
    await eventually(() => expect(addresses()).toHaveLength(1));
    await provider.destroy(request.machineId, never);
    await creating;
    await untilNothing();
  });

  it('that the account may not have is said, and the machine does not wait for it', async () => {
    harness.server.model.reservedIps.limit = 0;
    const provider = withReserved();
    const request = external();
    await expect(provider.create(request, never)).rejects.toMatchObject({
      code: 'noCapacity',
      message: expect.stringContaining('reserved IP limit') as string,
    });
    await provider.destroy(request.machineId, never);
    await untilNothing();
  });
});
