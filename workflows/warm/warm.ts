/**
 * The workflow of a warm machine: owns it from before it exists until a VM has taken it over, or it is observed gone.
 *
 * What may become of it is decided by `nextWarm` in domain/pool; here its state decides what runs. A cancel is an event like
 * any other, so it cannot skip the destroy.
 */
import { allHandlersFinished, CancellationScope, condition, sleep } from '@temporalio/workflow';
import { isWarmOver, type Warm } from '../../domain/pool/handover.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { bootMachineOf } from '../machine/boot.ts';
import { createMachineOf } from '../machine/create.ts';
import { destroyMachineOf } from '../machine/destroy.ts';
import { machineActivities } from '../machine/machine-activities.ts';
import type { WarmInput } from '../messages.ts';
import { runWhile } from '../run-while.ts';
import { answerAskers, tellEvicted, tellOver, tellReady } from './answers.ts';
import { handleMessages } from './handlers.ts';
import { leaves, ownerOf, WarmLife } from './life.ts';
import { publishChanges } from './publishing.ts';

export async function runWarm(input: WarmInput): Promise<void> {
  const life = new WarmLife(input);
  handleMessages(life);
  CancellationScope.current().cancelRequested.catch(() => life.record({ kind: 'cancelled' }));
  await CancellationScope.nonCancellable(async () => {
    const background = Promise.all([answerAskers(life), publishChanges(life)]);
    while (!isWarmOver(life.warm)) {
      const { name } = life.warm;
      const isLeaving = leaves(life.warm);
      await runWhile(
        () => life.warm.name === name && leaves(life.warm) === isLeaving,
        () => phase(life, life.warm),
      );
    }
    await background;
    await tellOver(life);
    await condition(allHandlersFinished);
  });
}

function waitText(warm: Warm): string {
  if (leaves(warm)) return 'The pool makes another machine, for the host of this one takes no creates';
  return warm.name === 'ready' ? 'Nobody claims the machine' : 'No VM asks for the machine that it was granted';
}

/** What runs in a state; it is left by the state changing, whoever changed it. */
async function phase(life: WarmLife, warm: Warm): Promise<void> {
  const owner = ownerOf(life);
  const machine = machineActivities(owner);
  switch (warm.name) {
    case 'creating': {
      const result = await createMachineOf(owner, machine);
      if (result.kind === 'failed') life.fail(result.failure.detail);
      if (result.kind === 'placeLost') life.fail(result.detail);
      // Also of a create that was given up: its machine is destroyed where it was begun.
      if (typeof result.begun === 'object') life.record({ kind: 'created', machine: result.begun });
      else if (result.begun === 'nothing') life.record({ kind: 'seenGone' });
      return;
    }
    case 'booting': {
      const result = await bootMachineOf(owner, machine);
      if (result.kind === 'failed') life.fail(result.failure.detail);
      else life.booted();
      return;
    }
    case 'ready':
    case 'granted':
      if (warm.name === 'ready') await (leaves(warm) ? tellEvicted(life) : tellReady(life));
      await sleep(Math.max(1, warm.until - Date.now()), { summary: waitText(warm) });
      life.record({ kind: 'timeOver' });
      return;
    case 'offered':
      for (;;) {
        await sleep(TIMEOUTS.offerAgainSeconds * 1000, { summary: 'Before the machine is offered again' });
        life.reply({ to: warm.to, machine: warm.machine });
      }
    case 'destroying':
      // What failed is replaced before it is seen gone: its host may be away.
      if (life.failure !== null) await tellOver(life);
      // A VM that gave it back may be what the host has written down as its owner.
      await destroyMachineOf(life.machineId, machine, warm.why === 'returned' ? undefined : owner.owner);
      life.record({ kind: 'seenGone' });
      return;
    case 'gone':
    case 'handedOver':
      return;
  }
}
