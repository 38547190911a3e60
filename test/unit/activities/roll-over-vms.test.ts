import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { rollOverVms, type TemplateVm } from '../../../activities/control/template-activities.ts';
import { activityContext } from '../../../test-support/activity-context.ts';

const vm = (name: string, more: Partial<TemplateVm> = {}): TemplateVm => ({
  ...{ workflowId: `vm/games/${name}`, uid: `u-${name}`, state: 'running', version: 1, isPinned: false },
  ...more,
});
const order = { below: 3, reach: 3, revision: 7 };
const input = { project: 'games', template: 'arena', order };

/** `looks`: what each look at the list finds. */
function vmsOf(...looks: TemplateVm[][]) {
  const told: { workflowId: string; uid: string | undefined; order: object }[] = [];
  const asked: [string, string][] = [];
  let [now, most] = [0, 0];
  const vms = {
    of: async function* (project: string, template: string) {
      asked.push([project, template]);
      await turn();
      yield* looks[asked.length - 1] ?? [];
    },
    tell: async ({ workflowId, uid }: Pick<TemplateVm, 'workflowId' | 'uid'>, order: object): Promise<void> => {
      now += 1;
      most = Math.max(most, now);
      await turn();
      now -= 1;
      told.push({ workflowId, uid, order });
    },
  };
  return { dependencies: { vms, lookMs: 1 }, told, asked, most: () => most };
}

describe('telling VMs of a newer version', () => {
  it('tells those of earlier versions alone, each life once, and looks again for what came meanwhile', async () => {
    const first = [vm('old'), vm('same', { version: 3 }), vm('later', { version: 4 })];
    const { dependencies, told, asked } = vmsOf(first, [...first, vm('late', { version: 2 })]);
    await rollOverVms(dependencies, input, activityContext());
    const what = { below: 3, revision: 7 };
    expect(told).toEqual([
      { workflowId: 'vm/games/old', uid: 'u-old', order: what },
      { workflowId: 'vm/games/late', uid: 'u-late', order: what },
    ]);
    expect(asked).toEqual([
      ['games', 'arena'],
      ['games', 'arena'],
    ]);
  });

  it('costs no history of one that stays, or knows', async () => {
    const { dependencies, told } = vmsOf([
      ...[vm('stopped', { state: 'stopped' }), vm('suspended', { state: 'suspended' })],
      ...[vm('pinned', { isPinned: true }), vm('knows', { newerVersion: 3 })],
      ...[vm('knew', { newerVersion: 2 }), vm('draining', { state: 'draining' })],
    ]);
    await rollOverVms(dependencies, input, activityContext());
    expect(told.map(({ workflowId }) => workflowId)).toEqual(['vm/games/knew', 'vm/games/draining']);
  });

  it('takes an order back from whoever may have heard of it', async () => {
    const { dependencies, told } = vmsOf([vm('old', { newerVersion: 3 }), vm('new', { version: 3 })]);
    await rollOverVms(dependencies, { ...input, order: { below: 0, reach: 3, revision: 8 } }, activityContext());
    expect(told).toEqual([{ workflowId: 'vm/games/old', uid: 'u-old', order: { below: 0, revision: 8 } }]);
  });

  it('tells any number of them, a few at a time', async () => {
    const many = Array.from({ length: 1234 }, (_, index) => vm(`vm-${index}`));
    const { dependencies, told, most } = vmsOf(many, many);
    await rollOverVms(dependencies, input, activityContext());
    expect(new Set(told.map(({ workflowId }) => workflowId)).size).toBe(1234);
    expect(told).toHaveLength(1234);
    expect(most()).toBe(20);
  });

  it('ends when it is cancelled, and fails where a VM could not be told, so that it is tried again', async () => {
    const { dependencies, told } = vmsOf([vm('old')]);
    const cancelled = activityContext({ signal: AbortSignal.abort(new Error('cancelled')) });
    await expect(rollOverVms(dependencies, input, cancelled)).rejects.toThrow('cancelled');
    expect(told).toEqual([]);
    const tell = (): Promise<void> => Promise.reject(new Error('Temporal is away'));
    const again = vmsOf([vm('old')]).dependencies.vms;
    const away = rollOverVms({ vms: { ...again, tell }, lookMs: 1 }, input, activityContext());
    await expect(away).rejects.toThrow('Temporal is away');
  });

  it('tells all others, where one takes nothing any more, and fails then', async () => {
    const many = [vm('full'), ...Array.from({ length: 500 }, (_, index) => vm(`vm-${index}`))];
    const { dependencies, told } = vmsOf(many, many);
    const { tell } = dependencies.vms;
    const vms = {
      ...dependencies.vms,
      tell: (one: Pick<TemplateVm, 'workflowId' | 'uid'>, what: object): Promise<void> =>
        one.workflowId === 'vm/games/full' ? Promise.reject(new Error('too many signals')) : tell(one, what),
    };
    await expect(rollOverVms({ vms, lookMs: 1 }, input, activityContext())).rejects.toThrow('too many signals');
    expect(told).toHaveLength(500);
  });

  it('gives up soon where nobody can be told', async () => {
    const many = Array.from({ length: 500 }, (_, index) => vm(`vm-${index}`));
    let tries = 0;
    const vms = {
      ...vmsOf(many, many).dependencies.vms,
      tell: (): Promise<void> => {
        tries += 1;
        return Promise.reject(new Error('Temporal is away'));
      },
    };
    await expect(rollOverVms({ vms, lookMs: 1 }, input, activityContext())).rejects.toThrow('Temporal is away');
    expect(tries).toBeLessThan(100);
  });
});
