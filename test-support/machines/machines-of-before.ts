/** What every provider must do with a machine that an earlier version made: its labels name project and VM alone. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reconcileMachines, type VmLedger } from '../../activities/machine/sweep/sweep-machines.ts';
import { LOCAL_MACHINE_FILE } from '../../domain/machine/local-machine.ts';
import type { Ownership, SweepReport } from '../../domain/machine/sweep.ts';
import type { ProviderHarness } from './provider-contract.ts';

const never = { signal: new AbortController().signal };

/** `forgetOwner`: leaves of a machine what an earlier version would have written. */
export function describeMachinesOfBefore<Harness extends ProviderHarness>(
  name: string,
  makeHarness: () => Promise<Harness>,
  forgetOwner: (harness: Harness, machineId: string) => Promise<void>,
): void {
  describe(`a machine of ${name} that an earlier version made`, () => {
    let harness: Harness;
    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.dispose());

    it('is its VM’s: it is adopted, spared while that runs, and swept once that has closed', async () => {
      const request = harness.request();
      const { machineId, owner } = request;
      await harness.provider.create(request, never);
      await forgetOwner(harness, machineId);
      const provider = harness.restarted();
      const known = { machineId, status: 'running', labels: { owner } };
      expect(await provider.list(never)).toMatchObject([known]);
      expect(await provider.create(request, never)).toMatchObject(known);
      expect(await harness.countRunning(machineId)).toBe(1);

      const askedOf: string[] = [];
      const sweep = (ownership: Ownership): Promise<SweepReport> => {
        const ledger: VmLedger = {
          liveVms: () => Promise.resolve([]),
          current: () => Promise.resolve(undefined),
          notifyLost: () => Promise.resolve(),
          ownership: ({ labels }) => {
            askedOf.push(labels.owner);
            return Promise.resolve(ownership);
          },
        };
        const links = { close: () => undefined };
        const now = (): number => Date.now() + 60_000;
        return reconcileMachines({ provider, links, ledger, now }, { ...never, warn: console.warn });
      };
      expect(await sweep('running')).toMatchObject({ owned: 1, machines: [] });
      const swept = { machineId, owner, verdict: 'orphan', action: 'destroyed' };
      expect(await sweep('closed')).toMatchObject({ owned: 0, machines: [swept] });
      expect(new Set(askedOf)).toEqual(new Set([owner]));
      expect(await harness.countRunning(machineId)).toBe(0);
      expect(await provider.list(never)).toEqual([]);
    });
  });
}

/** The same for machines with a manifest. */
export async function forgetOwnerInManifest(
  { dirOf }: { dirOf: (machineId: string) => string },
  machineId: string,
): Promise<void> {
  const path = join(dirOf(machineId), LOCAL_MACHINE_FILE.manifest);
  const { labels, ...manifest } = JSON.parse(await readFile(path, 'utf8')) as { labels: Record<string, string> };
  expect(labels['owner']).toBe('vm/default/lobby');
  delete labels['owner'];
  expect(labels).toMatchObject({ project: 'default', vm: 'lobby' });
  await writeFile(path, JSON.stringify({ ...manifest, labels }));
}
