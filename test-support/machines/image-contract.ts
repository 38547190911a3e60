/** What every provider owes whose machines can be turned into images: one suite for all of them. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateMachineRequest, MachineImages } from '../../domain/machine/provider.ts';
import type { ProviderHarness } from './provider-contract.ts';

const never = { signal: new AbortController().signal };

export interface ImageHarness extends ProviderHarness {
  request: (overrides?: Partial<CreateMachineRequest>) => CreateMachineRequest;
  /** Leaves a text on the disk of a machine that runs. */
  write: (machineId: string, text: string) => Promise<void>;
  /** That text as a machine that runs finds it; undefined where there is none. */
  read: (machineId: string) => Promise<string | undefined>;
  /** The host that its images name. */
  host: string | null;
}

export function describeImages(provider: string, start: () => Promise<ImageHarness>): void {
  describe(`an image of a ${provider} machine`, () => {
    let harness: ImageHarness;
    let images: MachineImages;
    beforeEach(async () => {
      harness = await start();
      images = harness.provider.images!;
    });
    afterEach(() => harness.dispose());

    const stoppedWith = async (text: string): Promise<string> => {
      const { machineId } = await harness.provider.create(harness.request(), never);
      await harness.write(machineId, text);
      await harness.provider.power!.stop(machineId, never);
      return machineId;
    };
    const imageId = (): string => `m-${randomUUID().replaceAll('-', '').slice(0, 20)}-i1`;
    const from = (id: string, more: Partial<CreateMachineRequest> = {}): CreateMachineRequest => {
      const request = harness.request(more);
      return { ...request, spec: { ...request.spec, startFrom: { imageId: id, host: harness.host } } };
    };

    it('has what was on the disk, for any number of machines, also after its own machine is gone', async () => {
      const machineId = await stoppedWith('a word');
      const name = imageId();
      const made = await images.create({ name, family: 'lobby', machineId }, never);
      expect(made).toMatchObject({ name, family: 'lobby', status: 'ready', owner: 'vm/default/lobby' });
      expect(made.sizeBytes).toBeGreaterThan(0);
      await harness.provider.destroy(machineId, never);
      const restarted = harness.restarted();
      for (const word of ['one', 'two']) {
        const again = await restarted.create(from(name), never);
        expect(await harness.read(again.machineId)).toBe('a word');
        await harness.write(again.machineId, word);
        expect(await harness.read(again.machineId)).toBe(word);
      }
    });

    it('is made once however often it is asked for, and of one machine alone', async () => {
      const machineId = await stoppedWith('kept');
      const name = imageId();
      const ask = () => images.create({ name, family: null, machineId }, never);
      const [first, second] = await Promise.all([ask(), ask()]);
      expect(second).toEqual(first);
      expect(await ask()).toEqual(first);
      expect(await images.list(never)).toEqual([first]);
      expect(await harness.ofAnotherDeployment().images!.list(never)).toEqual([]);
      const other = await stoppedWith('other');
      await expect(images.create({ name, family: null, machineId: other }, never)).rejects.toMatchObject({
        code: 'badSpec',
      });
    });

    it('is refused of a machine that runs or is not there, and leaves nothing', async () => {
      const { machineId } = await harness.provider.create(harness.request(), never);
      const wanted = { name: imageId(), family: null, machineId };
      await expect(images.create(wanted, never)).rejects.toMatchObject({ code: 'machineRuns' });
      const unknown = { ...wanted, machineId: harness.request().machineId };
      await expect(images.create(unknown, never)).rejects.toMatchObject({ code: 'machineEnded' });
      expect(await images.list(never)).toEqual([]);
    });

    it('is not half there when its making is given up, and the machine keeps its disk', async () => {
      const machineId = await stoppedWith('still mine');
      const name = imageId();
      const given = new AbortController();
      given.abort(new Error('given up'));
      await expect(images.create({ name, family: null, machineId }, { signal: given.signal })).rejects.toThrow();
      expect(await images.list(never)).toEqual([]);
      await harness.provider.power!.start({ machineId, agentBootstrap: null }, never);
      expect(await harness.read(machineId)).toBe('still mine');
    });

    it('that was deleted starts no machine, and one of another project neither', async () => {
      const machineId = await stoppedWith('secret of a project');
      const name = imageId();
      await images.create({ name, family: null, machineId }, never);
      const foreign = from(name, { owner: 'vm/other/lobby' });
      await expect(harness.provider.create(foreign, never)).rejects.toMatchObject({ code: 'permissionDenied' });
      const byAnother = harness.ofAnotherDeployment().images!.delete(name, never);
      // In a cloud each deployment has names of its own: there it is an unknown one.
      if (harness.host === null) await byAnother;
      else await expect(byAnother).rejects.toMatchObject({ code: 'permissionDenied' });
      expect(await images.list(never)).toMatchObject([{ name, status: 'ready' }]);
      await images.delete(name, never);
      await images.delete(name, never);
      await expect(harness.provider.create(from(name), never)).rejects.toMatchObject({ code: 'imageGone' });
      expect(await images.list(never)).toEqual([]);
    });
  });
}
