import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageTokenOf, positionOf } from '../../../api/projection/page-token.ts';
import { Projection, type ListFilter } from '../../../api/projection/projection.ts';
import { comparePositions, SortedRecords, type Position } from '../../../api/projection/sorted-records.ts';
import { normaliseSpec } from '../../../api/vms/create/normalise-spec.ts';
import type { SeenVm } from '../../../api/vms/seen/vm-memo.ts';
import { apiVm, vmRecord, type SeenExecution, type VmRecord } from '../../../api/vms/seen/vm-record.ts';
import { newVm, type VmStateName } from '../../../domain/vm/state.ts';
import { timelineView, vmView } from '../../../domain/vm/view.ts';

const START = Date.parse('2026-11-21T04:00:00Z');
const UI = { uiUrl: null, namespace: 'ephemera' };
const LIVE: ListFilter = {
  ...{ states: null, template: null, labels: [], inUse: null },
  ...{ provider: null, zone: null, host: null, createdBy: null },
};

interface Shape {
  name?: string;
  project?: string;
  uid?: string;
  machineId?: string;
  state?: VmStateName;
  createdAt?: number;
  updatedAt?: number;
  labels?: Record<string, string>;
  template?: string;
}

function memoOf(shape: Shape = {}): SeenVm {
  const spec = normaliseSpec({ template: 'chat', labels: shape.labels ?? {} }, ['local']);
  const vm = newVm({
    name: shape.name ?? 'lobby',
    project: shape.project ?? 'default',
    uid: shape.uid ?? 'life-1',
    machineId: shape.machineId ?? 'm-1',
    spec,
    at: shape.createdAt ?? START,
  });
  vm.updatedAt = shape.updatedAt ?? vm.updatedAt;
  const view = { ...vmView(vm, vm.updatedAt), state: shape.state ?? 'running' };
  return { view, timeline: timelineView(vm) };
}

function seen(shape: Shape = {}, execution: Partial<SeenExecution> = {}): VmRecord {
  const memo = memoOf(shape);
  const record = vmRecord({
    workflowId: `vm/${memo.view.project}/${memo.view.name}`,
    runId: 'run-1',
    status: 'RUNNING',
    startTime: new Date(START),
    closeTime: undefined,
    memo,
    ...execution,
  });
  if (!record) throw new Error('no record');
  return record;
}

const ended = (shape: Shape = {}): VmRecord =>
  seen({ state: 'destroyed', ...shape }, { status: 'COMPLETED', closeTime: new Date(START + 60_000) });

function names(projection: Projection, filter: Partial<ListFilter> = {}, project = 'default'): string[] {
  return projection.page(project, { ...LIVE, ...filter }, 1000, undefined).records.map(({ view }) => view.name);
}

describe('a record of a run', () => {
  it('that was terminated or timed out is failed, whatever its last view claims', () => {
    for (const status of ['TERMINATED', 'TIMED_OUT', 'FAILED', 'CANCELLED', 'COMPLETED'] as const) {
      const { view, closed } = seen({ state: 'running' }, { status, closeTime: new Date(START + 5000) });
      expect(closed).toBe(true);
      expect(view).toMatchObject({ state: 'failed', aliveBecause: null, updatedAt: '2026-11-21T04:00:05.000Z' });
      expect(view.nextDeadline).toBeUndefined();
    }
    expect(seen({}, { status: 'TERMINATED' }).view.detail).toContain('terminated');
  });

  it('that ended by itself keeps its view', () => {
    expect(ended().view.state).toBe('destroyed');
  });

  it('that ended says when, also where code of before did not', () => {
    expect(ended().view.endedAt).toBe('2026-11-21T04:01:00.000Z');
    expect(seen({}, { status: 'TERMINATED', closeTime: new Date(START + 5000) }).view.endedAt).toBe(
      '2026-11-21T04:00:05.000Z',
    );
    expect(seen().view).not.toHaveProperty('endedAt');
  });

  it('whose status nobody here knows is not over', () => {
    for (const status of ['UNKNOWN', 'UNSPECIFIED', 'PAUSED'] as const) {
      expect(seen({ state: 'running' }, { status })).toMatchObject({ closed: false, view: { state: 'running' } });
    }
  });

  it('that went on in a new run, or is none of ours, shows nothing', () => {
    const run = { workflowId: 'vm/default/a', runId: 'r', startTime: new Date(), closeTime: undefined };
    expect(vmRecord({ ...run, status: 'CONTINUED_AS_NEW', memo: memoOf() })).toBeUndefined();
    expect(vmRecord({ ...run, status: 'RUNNING', memo: undefined })).toBeUndefined();
  });

  it('before the first workflow task takes its life and times from the run', () => {
    const record = seen({ uid: '', machineId: '', createdAt: START + 9000, state: 'creating' });
    expect(record.view).toMatchObject({ uid: 'run-1', createdAt: '2026-11-21T04:00:00.000Z' });
    expect(apiVm(record, UI)).not.toHaveProperty('machineId');
  });

  it('belongs to the life that its first run began, also in a later run whose memo says nothing yet', () => {
    const initial = { uid: '', machineId: '', state: 'creating' } as const;
    expect(seen(initial, { runId: 'run-2', firstRunId: 'run-1' }).view.uid).toBe('run-1');
  });

  it('links to the Temporal Web UI, slashes and all', () => {
    const ui = { uiUrl: 'http://127.0.0.1:8233/', namespace: 'ephemera' };
    expect(apiVm(seen(), ui).temporalUiUrl).toBe(
      'http://127.0.0.1:8233/namespaces/ephemera/workflows/vm%2Fdefault%2Flobby/run-1',
    );
  });
});

describe('the projection', () => {
  it('comes out the same in whatever order and however often records are seen', () => {
    const story = [
      seen({ uid: 'run-1', machineId: '', state: 'creating', updatedAt: START + 5000 }),
      seen({ uid: 'run-1', state: 'booting', updatedAt: START + 1 }),
      seen({ uid: 'run-1', state: 'running', updatedAt: START + 2 }),
      ended({ uid: 'run-1', updatedAt: START + 3 }),
      seen({ uid: 'run-2', state: 'running', createdAt: START + 4000, updatedAt: START + 4001 }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray([...story, ...story], { minLength: story.length * 2 }), (shuffled) => {
        const projection = new Projection(UI);
        for (const record of shuffled) projection.see(record);
        expect(projection.get('vm/default/lobby')).toBe(story[4]);
        expect(names(projection)).toEqual(['lobby']);
        expect(names(projection, { states: ['destroyed'] })).toEqual([]);
      }),
    );
  });

  it('never lets an older sight undo a newer one', () => {
    const projection = new Projection(UI);
    projection.see(ended({ updatedAt: START + 10 }));
    expect(projection.see(seen({ updatedAt: START + 20 }))).toBe(false);
    expect(names(projection, { states: ['destroyed'] })).toEqual(['lobby']);
  });

  it('shows a VM that was started here whatever other clocks say', () => {
    const projection = new Projection(UI);
    projection.see(ended({ createdAt: START + 1000 }));
    projection.started(seen({ uid: 'life-2', machineId: '', createdAt: START, state: 'creating' }));
    expect(names(projection)).toEqual(['lobby']);
    projection.see(seen({ uid: 'life-2', createdAt: START, updatedAt: START - 5000 }));
    expect(projection.get('vm/default/lobby')?.view.state).toBe('running');
  });

  it('never takes the memo of the very start for a newer life, and gives it up for the first true word', () => {
    const lost = { uid: '', machineId: '', state: 'creating' } as const;
    const phantom = seen(lost, { runId: 'run-2', startTime: new Date(START + 60_000) });
    const truth = seen({ uid: 'run-1', updatedAt: START + 50_000 });
    for (const order of [
      [truth, phantom],
      [phantom, truth],
      [phantom, truth, phantom],
    ]) {
      const projection = new Projection(UI);
      for (const record of order) projection.see(record);
      expect(projection.get('vm/default/lobby')).toBe(truth);
      expect(projection.doubts(phantom), 'it is worth a question').toBe(true);
      projection.see(ended({ uid: 'run-1', updatedAt: START + 90_000 }));
      expect(names(projection), 'no ghost stays').toEqual([]);
    }
  });

  it('knows the life of a run that lost its memo once Temporal was asked', () => {
    const projection = new Projection(UI);
    const life = { firstRunId: 'run-1', lifeStartTimeMs: START };
    projection.see(seen({ uid: 'run-1' }));
    const asked = seen({ uid: '', machineId: '', state: 'creating' }, { runId: 'run-2', ...life });
    expect(projection.doubts(asked)).toBe(false);
    expect(projection.see(asked)).toBe(false);
    const next = { runId: 'run-3', firstRunId: 'run-3', lifeStartTimeMs: START + 5000 };
    expect(projection.see(seen({ uid: '', machineId: '', state: 'creating' }, next))).toBe(true);
    expect(projection.get('vm/default/lobby')?.view.state).toBe('creating');
  });

  it('hides ended VMs unless a state asks for them, and merges both in order', () => {
    const projection = new Projection(UI);
    projection.see(seen({ name: 'c', createdAt: START + 3 }));
    projection.see(ended({ name: 'b', createdAt: START + 2 }));
    projection.see(seen({ name: 'a', createdAt: START + 1, state: 'draining' }));
    expect(names(projection)).toEqual(['a', 'c']);
    expect(names(projection, { states: ['destroyed'] })).toEqual(['b']);
    expect(names(projection, { states: ['running', 'destroyed'] })).toEqual(['b', 'c']);
    expect(names(projection, { states: ['running', 'draining', 'destroyed'] })).toEqual(['a', 'b', 'c']);
  });

  it('filters by template and by every label, and shows one project only', () => {
    const projection = new Projection(UI);
    projection.see(seen({ name: 'a', labels: { team: 'red', tier: '1' } }));
    projection.see(seen({ name: 'b', labels: { team: 'red' } }));
    projection.see(seen({ name: 'c', project: 'other', labels: { team: 'red' } }));
    expect(names(projection, { labels: [['team', 'red']] })).toEqual(['a', 'b']);
    const both = [
      ['team', 'red'],
      ['tier', '1'],
    ] as const;
    expect(names(projection, { labels: both })).toEqual(['a']);
    expect(names(projection, { template: 'chat' })).toEqual(['a', 'b']);
    expect(names(projection, { template: 'ci' })).toEqual([]);
    expect(names(projection, {}, 'other')).toEqual(['c']);
    expect(names(projection, {}, 'nobody')).toEqual([]);
  });

  it('forgets the VMs that ended first when there are too many', () => {
    const projection = new Projection(UI, 2);
    for (const name of ['a', 'b', 'c']) projection.see(ended({ name }));
    projection.see(seen({ name: 'd' }));
    expect(names(projection, { states: ['destroyed'] })).toEqual(['b', 'c']);
    expect(projection.size).toBe(3);
    projection.forget('vm/default/d');
    expect(names(projection)).toEqual([]);
    expect(projection.openWorkflowIds()).toEqual([]);
  });

  it('gives each VM once through all pages, while others come and go', () => {
    const projection = new Projection(UI);
    for (let index = 0; index < 25; index += 1) {
      projection.see(seen({ name: `vm-${index}`, createdAt: START + Math.floor(index / 3) }));
    }
    const shown: string[] = [];
    let after: Position | undefined;
    do {
      const page = projection.page('default', LIVE, 10, after);
      shown.push(...page.records.map(({ view }) => view.name));
      after = page.next && positionOf(pageTokenOf(page.next));
      projection.see(seen({ name: `early-${shown.length}`, createdAt: START - 1000 }));
      projection.forget(`vm/default/${shown[0] ?? ''}`);
    } while (after);
    expect(shown.filter((name) => name.startsWith('vm-'))).toHaveLength(25);
    expect(new Set(shown).size).toBe(shown.length);
  });
});

describe('a VM whose workflow says another moment of its beginning than the replica that started it', () => {
  it.each([40, -40])('%i ms later, is shown once through all pages', (ms) => {
    const projection = new Projection(UI);
    for (let index = 0; index < 7; index += 1)
      projection.started(seen({ name: `vm-${index}`, createdAt: START + index }));
    const first = projection.page('default', LIVE, 3, undefined);
    for (let index = 0; index < 7; index += 1) {
      const createdAt = START + index + ms;
      expect(projection.see(seen({ name: `vm-${index}`, createdAt, updatedAt: createdAt + 100 }))).toBe(true);
    }
    const rest = projection.page('default', LIVE, 10, first.next && positionOf(pageTokenOf(first.next)));
    const shown = [...first.records, ...rest.records].map(({ view }) => view.name);
    expect(shown).toEqual(['vm-0', 'vm-1', 'vm-2', 'vm-3', 'vm-4', 'vm-5', 'vm-6']);
    expect(rest.records[0]?.view.createdAt).toBe(new Date(START + 3 + ms).toISOString());
  });
});

describe('sorted records', () => {
  it('hold what a sorted map of positions would hold', () => {
    const position = fc.record({
      createdAt: fc.constantFrom('1', '2', '3'),
      name: fc.constantFrom('a', 'b', 'c', 'd'),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), position)), position, (steps, after) => {
        const sorted = new SortedRecords<{ position: Position }>();
        const model = new Map<string, Position>();
        for (const [put, at] of steps) {
          if (put) sorted.put({ position: at });
          else sorted.remove(at);
          if (put) model.set(`${at.createdAt}${at.name}`, at);
          else model.delete(`${at.createdAt}${at.name}`);
        }
        const expected = [...model.values()].sort(comparePositions);
        expect(expected.map((_, index) => sorted.at(index)?.position)).toEqual(expected);
        expect(sorted.size).toBe(expected.length);
        expect(sorted.firstAfter(after)).toBe(expected.filter((one) => comparePositions(one, after) <= 0).length);
      }),
    );
  });
});

describe('a page token', () => {
  it('leads back to its position', () => {
    const position = { createdAt: '2026-11-21T04:00:00.123Z', name: 'a-b-c' };
    expect(positionOf(pageTokenOf(position))).toEqual(position);
  });

  it('of nobody is none', () => {
    for (const token of ['', 'abc', '-a', 'abc-', 'abc-A', 'abc-a-', '%00', 'zzzzzzzzzzz-a']) {
      expect(positionOf(token)).toBeUndefined();
    }
    expect(positionOf('zzzzzzzzzz-a')?.name).toBe('a');
  });
});
