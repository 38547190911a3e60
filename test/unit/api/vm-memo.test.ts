import { describe, expect, it } from 'vitest';
import { seenView, seenVm, startMemo } from '../../../api/vms/seen/vm-memo.ts';
import { vmMemo, vmView } from '../../../domain/vm/view.ts';
import { MEMO } from '../../../domain/wire-names.ts';
import { publishedVm } from '../../../worker/temporal/published-vm.ts';
import { Life, START } from '../../../test-support/vm/vm-life.ts';

const life = Life.ready({ template: { name: 'chat', version: 1 }, labels: { team: 'red' } });
const { spec } = life.vm;
const memo = vmMemo(life.vm, START);
const whole = vmView(life.vm, START);

describe('what a VM published', () => {
  it('is put together again with its spec', () => {
    expect(seenVm(memo, spec)).toStrictEqual({ view: whole, timeline: memo.timeline });
  });

  it('is read as well where code of before left the spec in the view', () => {
    const before = { ...memo, view: { ...memo.view, spec } };
    expect(seenVm(before, undefined)).toStrictEqual({ view: whole, timeline: memo.timeline });
  });

  it('may have more in it than this version knows', () => {
    const newer = { ...memo, view: { ...memo.view, mood: 'cheerful' }, more: 1 };
    expect(seenVm(newer, { ...spec, colour: 'blue' })?.view).toMatchObject({
      mood: 'cheerful',
      spec: { colour: 'blue' },
    });
  });

  it('at the start has the spec once', () => {
    const start = startMemo({ project: 'p', name: 'n', spec, specHash: 'h', idempotencyKeyHash: null }, START);
    expect(start[MEMO.vm]).not.toHaveProperty('view.spec');
    expect(seenVm(start[MEMO.vm], start[MEMO.spec])?.view).toMatchObject({ state: 'creating', machineId: '', spec });
  });

  it('is nothing at all when it is not what can be shown', () => {
    const changed = Object.entries({
      state: 'dreaming',
      machineId: 7,
      uid: null,
      createdAt: 'soon',
      labels: [],
      reason: 'x',
    });
    for (const vm of [
      ...[undefined, null, 'vm', 7, [], {}, { view: null, timeline: [] }, { view: memo.view }],
      ...changed.map(([key, value]) => ({ ...memo, view: { ...memo.view, [key]: value } })),
    ]) {
      expect(seenVm(vm, spec), JSON.stringify(vm)).toBeUndefined();
    }
    for (const damaged of [undefined, null, {}, { ...spec, idle: {} }, { ...spec, env: { A: 1 } }]) {
      expect(seenVm(memo, damaged)).toBeUndefined();
    }
    for (const answer of [undefined, null, memo.view, { ...whole, state: 1 }]) expect(seenView(answer)).toBeUndefined();
    expect(seenView(whole)).toStrictEqual(whole);
    for (const damaged of [undefined, {}, { [MEMO.vm]: 7 }, { [MEMO.vm]: { view: { state: 'running' } } }]) {
      expect(publishedVm(damaged)).toBeUndefined();
    }
  });
});
