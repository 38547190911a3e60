/**
 * What every machine provider must do, whatever its machines are. A provider passes by running
 * `describeProvider(name, makeHarness)` with a harness of real machines.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROVIDER_ERROR, type ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { eventually } from '../eventually.ts';

/** Everything the suite needs of one provider; made anew for each test. */
export interface ProviderHarness {
  provider: MachineProvider;
  /** Another instance on the same machines, as after a restart of the worker. */
  restarted: () => MachineProvider;
  /** An instance on the same place that works for another deployment. */
  ofAnotherDeployment: () => MachineProvider;
  /** A request for a machine with one TCP port; a fresh id each time. */
  request: (overrides?: Partial<CreateMachineRequest>) => CreateMachineRequest;
  /** Starts a process of its own that creates the machine, prints `created`, and waits to be killed. */
  createElsewhere: (request: CreateMachineRequest) => ChildProcess;
  /** Requests that must be refused, each with its code. */
  refused: () => { what: string; request: CreateMachineRequest; code: ProviderErrorCode }[];
  /** How many machines of this id run, seen without the provider. */
  countRunning: (machineId: string) => Promise<number>;
  /** A word from the machine's own port that tells it from every other machine. */
  askMachine: (machine: Machine) => Promise<string>;
  /** False where the provider has no console for programs: then none is ever read. */
  keepsConsole?: boolean;
  /** Makes the machine end by itself, as a crash does. */
  crash: (machineId: string) => Promise<void>;
  /** Destroys all that is left. */
  dispose: () => Promise<void>;
}

const never = { signal: new AbortController().signal };

export function describeProvider(name: string, makeHarness: () => Promise<ProviderHarness>): void {
  describe(`provider ${name}`, () => {
    let harness: ProviderHarness;
    let provider: MachineProvider;
    beforeEach(async () => {
      harness = await makeHarness();
      ({ provider } = harness);
    });
    afterEach(() => harness.dispose());

    const create = (request = harness.request()): Promise<Machine> => provider.create(request, never);
    const refusal = async (promise: Promise<unknown>): Promise<ProviderError> => {
      const error = await promise.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ProviderError);
      return error as ProviderError;
    };

    describe('create', () => {
      it('makes a machine that runs, has an address and answers on its port', async () => {
        const request = { ...harness.request(), uid: 'life-1' };
        const machine = await create(request);
        expect(machine).toMatchObject({
          machineId: request.machineId,
          provider: name,
          status: 'running',
          labels: { machineId: request.machineId, owner: request.owner, uid: 'life-1' },
        });
        expect(machine.address?.ports).toMatchObject([{ name: request.spec.ports[0]!.name, protocol: 'tcp' }]);
        await expect(harness.askMachine(machine)).resolves.toBeTypeOf('string');
      });

      it('makes one machine when it is called twice', async () => {
        const request = harness.request();
        const first = await create(request);
        const second = await create(request);
        expect(second).toEqual(first);
        expect(await harness.countRunning(request.machineId)).toBe(1);
      });

      it('makes one machine when ten calls come at once, on two instances', async () => {
        const request = harness.request();
        const instances = [provider, harness.restarted()];
        const machines = await Promise.all(
          Array.from({ length: 10 }, (_, index) => instances[index % 2]!.create(request, never)),
        );
        for (const machine of machines) expect(machine.address).toEqual(machines[0]!.address);
        await eventually(async () => expect(await harness.countRunning(request.machineId)).toBe(1));
      });

      it('adopts the machine of a create whose caller was killed right after the effect', async () => {
        const request = harness.request();
        const caller = harness.createElsewhere(request);
        // The caller is a process of its own, which a busy machine starts slowly.
        await eventually(async () => expect(await provider.describe(request.machineId, never)).toBeDefined(), 50_000);
        await killed(caller);
        const adopted = await create(request);
        expect(adopted.status).toBe('running');
        expect(await harness.countRunning(request.machineId)).toBe(1);
        expect(await provider.list(never)).toHaveLength(1);
      });

      it('is refused after the machine was destroyed, by every instance', async () => {
        const request = harness.request();
        await create(request);
        await provider.destroy(request.machineId, never);
        expect((await refusal(create(request))).code).toBe('machineEnded');
        expect((await refusal(harness.restarted().create(request, never))).code).toBe('machineEnded');
        expect(await harness.countRunning(request.machineId)).toBe(0);
      });

      it('is refused when the destroy came first', async () => {
        const request = harness.request();
        await provider.destroy(request.machineId, never);
        expect((await refusal(create(request))).code).toBe('machineEnded');
      });

      it('is refused when the machine ended by itself: a machine lives once', async () => {
        const request = harness.request();
        await create(request);
        await harness.crash(request.machineId);
        // A process that is being killed has no command line any more before the system says that it has ended.
        await eventually(async () => {
          expect(await provider.describe(request.machineId, never)).toMatchObject({ status: 'ended' });
        });
        expect(await harness.countRunning(request.machineId)).toBe(0);
        expect((await refusal(create(request))).code).toBe('machineEnded');
      });

      it('refuses what it cannot make, with a documented terminal code and without leaving anything', async () => {
        expect(harness.refused().length).toBeGreaterThan(0);
        for (const { what, request, code } of harness.refused()) {
          const error = await refusal(create(request));
          expect(error.code, what).toBe(code);
          expect(PROVIDER_ERROR[error.code].kind, what).toBe('terminal');
          expect(error.terminal, what).toBe(true);
          expect(await provider.describe(request.machineId, never), what).toBeUndefined();
        }
      });

      it('gives two machines that ask for one port an address each', async () => {
        const [one, other] = await Promise.all([create(), create()]);
        expect(one.address?.ip).not.toBe(other.address?.ip);
        expect(await harness.askMachine(one)).not.toBe(await harness.askMachine(other));
      });
    });

    describe('destroy', () => {
      it('resolves when the machine is seen gone', async () => {
        const { machineId } = await create();
        await provider.destroy(machineId, never);
        expect(await harness.countRunning(machineId)).toBe(0);
        expect(await provider.describe(machineId, never)).toBeUndefined();
        expect(await provider.list(never)).toEqual([]);
      });

      it('is fine twice, at once and one after the other', async () => {
        const { machineId } = await create();
        await Promise.all([provider.destroy(machineId, never), harness.restarted().destroy(machineId, never)]);
        await provider.destroy(machineId, never);
        expect(await harness.countRunning(machineId)).toBe(0);
      });

      it('of a machine that nobody knows is success', async () => {
        await expect(provider.destroy(harness.request().machineId, never)).resolves.toBeUndefined();
      });

      it('of a machine that ended by itself is success', async () => {
        const { machineId } = await create();
        await harness.crash(machineId);
        await provider.destroy(machineId, never);
        expect(await provider.describe(machineId, never)).toBeUndefined();
      });

      it('in the middle of a create leaves no machine, whenever it comes', async () => {
        for (const delayMs of [0, 5, 30, 80, 150]) {
          const request = harness.request();
          const creating = create(request).catch((error: unknown) => error);
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          await harness.restarted().destroy(request.machineId, never);
          await creating;
          await eventually(async () => expect(await harness.countRunning(request.machineId)).toBe(0));
          expect(await provider.describe(request.machineId, never)).toBeUndefined();
        }
      });
    });

    describe('describe and list', () => {
      it('tell nothing of a machine that nobody made', async () => {
        expect(await provider.describe(harness.request().machineId, never)).toBeUndefined();
        expect(await provider.list(never)).toEqual([]);
      });

      it('tell the same of a machine as its create did', async () => {
        const machine = await create();
        expect(await provider.describe(machine.machineId, never)).toEqual(machine);
        expect(await provider.list(never)).toEqual([machine]);
      });

      it('say that a machine which crashed has ended', async () => {
        const { machineId } = await create();
        await harness.crash(machineId);
        await eventually(async () => {
          expect(await provider.describe(machineId, never)).toMatchObject({ status: 'ended' });
        });
        expect(await provider.list(never)).toMatchObject([{ machineId, status: 'ended' }]);
      });

      it('know the machines of their own deployment only', async () => {
        const { machineId } = await create();
        const other = harness.ofAnotherDeployment();
        expect(await other.list(never)).toEqual([]);
        expect(await other.describe(machineId, never)).toBeUndefined();
        const theirs = await other.create(harness.request(), never);
        expect((await provider.list(never)).map((machine) => machine.machineId)).toEqual([machineId]);
        await other.destroy(theirs.machineId, never);
      });
    });

    describe('stop and start', () => {
      const start = (machineId: string, by = provider): Promise<Machine> =>
        by.power!.start({ machineId, agentBootstrap: harness.request().agentBootstrap }, never);

      it('end the machine and bring the same one back, however often each is asked', async () => {
        const request = harness.request();
        const { machineId } = await create(request);
        const stopped = await provider.power!.stop(machineId, never);
        expect(stopped).toMatchObject({ machineId, status: 'stopped', address: null });
        expect(await harness.countRunning(machineId)).toBe(0);
        expect(await harness.restarted().power!.stop(machineId, never)).toEqual(stopped);
        expect(await provider.describe(machineId, never)).toEqual(stopped);
        expect(await harness.restarted().list(never)).toEqual([stopped]);
        expect(await create(request)).toEqual(stopped);
        const started = await start(machineId, harness.restarted());
        expect(started).toMatchObject({ machineId, status: 'running', labels: stopped.labels });
        expect(await start(machineId)).toEqual(started);
        expect(await provider.list(never)).toEqual([started]);
        expect(await harness.countRunning(machineId)).toBe(1);
        await expect(harness.askMachine(started)).resolves.toBeTypeOf('string');
      });

      it('bring a machine back that was reset in between, and refuse to reset one that runs', async () => {
        const { machineId } = await create();
        if (provider.power!.reset === undefined) return;
        expect((await refusal(provider.power!.reset(machineId, never))).code).toBe('backendUnavailable');
        const stopped = await provider.power!.stop(machineId, never);
        expect(await provider.power!.reset(machineId, never)).toEqual(stopped);
        expect(await harness.restarted().power!.reset!(machineId, never)).toEqual(stopped);
        const started = await start(machineId);
        expect(started).toMatchObject({ machineId, status: 'running', labels: stopped.labels });
        expect(await harness.countRunning(machineId)).toBe(1);
        await expect(harness.askMachine(started)).resolves.toBeTypeOf('string');
      });

      it('make one machine of ten starts at once, on two instances', async () => {
        const { machineId } = await create();
        await provider.power!.stop(machineId, never);
        const instances = [provider, harness.restarted()];
        await Promise.all(Array.from({ length: 10 }, (_, index) => start(machineId, instances[index % 2])));
        expect(await harness.countRunning(machineId)).toBe(1);
      });

      it('leave a stopped machine that destroy removes for good', async () => {
        const { machineId } = await create();
        await provider.power!.stop(machineId, never);
        await provider.destroy(machineId, never);
        expect(await provider.list(never)).toEqual([]);
        expect((await refusal(start(machineId))).code).toBe('machineEnded');
        expect((await refusal(provider.power!.stop(machineId, never))).code).toBe('machineEnded');
        expect(await harness.countRunning(machineId)).toBe(0);
      });

      it('leave no machine when a destroy comes in the middle of a start, whenever it comes', async () => {
        for (const delayMs of [0, 30, 120]) {
          const { machineId } = await create();
          await provider.power!.stop(machineId, never);
          const starting = start(machineId).catch((error: unknown) => error);
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          await harness.restarted().destroy(machineId, never);
          await starting;
          await eventually(async () => expect(await harness.countRunning(machineId)).toBe(0));
          expect(await provider.describe(machineId, never)).toBeUndefined();
        }
      });

      it('go on after a stop and a start that were given up half-way', async () => {
        const { machineId } = await create();
        for (const delayMs of [0, 20, 100]) {
          const cancel = new AbortController();
          const half = [
            provider.power!.stop(machineId, cancel),
            provider.power!.start({ machineId, agentBootstrap: harness.request().agentBootstrap }, cancel),
          ];
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          cancel.abort(new Error('given up'));
          await Promise.allSettled(half);
        }
        expect((await harness.restarted().power!.stop(machineId, never)).status).toBe('stopped');
        expect(await harness.countRunning(machineId)).toBe(0);
        expect((await start(machineId)).status).toBe('running');
        expect(await harness.countRunning(machineId)).toBe(1);
      });
    });

    it('keeps a machine alive when its maker is killed, and a fresh instance adopts it', async () => {
      const request = harness.request();
      const maker = harness.createElsewhere(request);
      await printed(maker, 'created');
      await killed(maker);
      const fresh = harness.restarted();
      const [machine] = await fresh.list(never);
      expect(machine).toMatchObject({ machineId: request.machineId, status: 'running' });
      await expect(harness.askMachine(machine!)).resolves.toBeTypeOf('string');
      expect(await fresh.create(request, never)).toEqual(machine);
      await fresh.destroy(request.machineId, never);
      expect(await harness.countRunning(request.machineId)).toBe(0);
    });

    it('gives up at once with the reason of an aborted signal', async () => {
      const reason = new Error('nobody wants it any more');
      const aborted = AbortSignal.abort(reason);
      const request = harness.request();
      await expect(provider.create(request, { signal: aborted })).rejects.toBe(reason);
      await expect(provider.describe(request.machineId, { signal: aborted })).rejects.toBe(reason);
      await expect(provider.destroy(request.machineId, { signal: aborted })).rejects.toBe(reason);
      await expect(provider.list({ signal: aborted })).rejects.toBe(reason);
    });

    it('leaves nothing that destroy does not remove when a create is cancelled, whenever that is', async () => {
      for (const delayMs of [0, 10, 40, 100, 200]) {
        const request = harness.request();
        const cancel = new AbortController();
        const creating = provider.create(request, { signal: cancel.signal }).catch((error: unknown) => error);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        cancel.abort(new Error('cancelled'));
        await creating;
        await provider.destroy(request.machineId, never);
        expect(await harness.countRunning(request.machineId)).toBe(0);
        expect(await provider.list(never)).toEqual([]);
      }
    });

    it('reads the last part of the console, and none of an unknown machine', async () => {
      const { machineId, labels } = await create();
      if (harness.keepsConsole === false) {
        expect(await provider.readConsole(machineId, { maxBytes: 5, owner: labels.owner }, never)).toBeUndefined();
        return;
      }
      await eventually(async () => {
        expect((await provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never))?.byteLength).toBeGreaterThan(0);
      });
      const whole = await provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never);
      const tail = await provider.readConsole(machineId, { maxBytes: 5 }, never);
      expect(tail?.byteLength).toBe(Math.min(5, whole!.byteLength));
      expect(await provider.readConsole(harness.request().machineId, { maxBytes: 100 }, never)).toBeUndefined();
      const { owner } = labels;
      const ofOwner = await provider.readConsole(machineId, { maxBytes: 5, owner }, never);
      expect(ofOwner?.byteLength).toBe(tail?.byteLength);
      for (const other of [`${owner}x`, owner.replace(/^vm/, 'warm'), '']) {
        expect(await provider.readConsole(machineId, { maxBytes: 5, owner: other }, never)).toBeUndefined();
      }
    });
  });
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function printed(child: ChildProcess, word: string): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    if (text.includes(word)) return;
  }
  throw new Error(`the process ended without printing ${word}: ${text}`);
}
