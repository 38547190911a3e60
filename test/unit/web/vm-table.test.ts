import { describe, expect, it } from 'vitest';
import { VmStore, type Vm } from '../../../web/vms/feed/vm-store.ts';
import { shownVms, SORT_KEYS, type VmFilter } from '../../../web/vms/table/vm-filter.ts';

const ALL: VmFilter = { text: '', state: null, template: null, inUse: false };
const T0 = '2026-01-01T00:00:00Z';
const T1 = '2026-01-01T00:00:01Z';

function vm(name: string, more: object = {}): Vm {
  const about = { name, uid: `uid-${name}`, state: 'running', labels: {}, can: [], createdAt: T0, updatedAt: T0 };
  return { ...about, ...more } as unknown as Vm;
}

const names = (vms: readonly Vm[]) => vms.map(({ name }) => name);

describe('the table of VMs', () => {
  const vms = [
    vm('lobby', { connections: 3, template: { name: 'chat', version: 1 }, labels: { team: 'red' } }),
    vm('den', { connections: 0, state: 'draining', address: { ip: '127.1.2.3', ports: [] } }),
    vm('attic', { host: 'edge-1', nextDeadline: { at: T1, kind: 'idle' } }),
  ];

  it.each([
    ['', ['attic', 'den', 'lobby']],
    ['LOB', ['lobby']],
    ['team=red', ['lobby']],
    ['127.1', ['den']],
    ['edge a', ['attic']],
    ['edge red', []],
  ])('finds by %o: %o', (text, expected) => {
    expect(names(shownVms(vms, { ...ALL, text }, { by: 'name', isDescending: false }))).toEqual(expected);
  });

  it('filters by state, template and use', () => {
    const shown = (filter: Partial<VmFilter>) =>
      names(shownVms(vms, { ...ALL, ...filter }, { by: 'name', isDescending: false }));
    expect(shown({ state: 'draining' })).toEqual(['den']);
    expect(shown({ template: 'chat' })).toEqual(['lobby']);
    expect(shown({ inUse: true })).toEqual(['lobby']);
  });

  it.each(SORT_KEYS)('sorts by %s the same whatever order they came in', (by) => {
    const sorted = names(shownVms(vms, ALL, { by, isDescending: false }));
    expect(names(shownVms(vms.toReversed(), ALL, { by, isDescending: false }))).toEqual(sorted);
  });

  it('shows what has no deadline last', () => {
    expect(names(shownVms(vms, ALL, { by: 'nextDeadline', isDescending: false }))).toEqual(['attic', 'den', 'lobby']);
  });
});

describe('what a page knows of VMs', () => {
  it('is the newest that anybody said of a life, and a new life takes the place of the old', () => {
    const store = new VmStore();
    store.see([vm('lobby', { updatedAt: T1, state: 'draining' })]);
    store.see([vm('lobby')]);
    expect(store.get('lobby')?.state).toBe('draining');
    store.see([vm('lobby', { uid: 'next', createdAt: T1, state: 'creating' })]);
    expect(store.get('lobby')?.state).toBe('creating');
    store.see([vm('lobby', { state: 'destroyed', updatedAt: T1 })]);
    expect(store.get('lobby')?.uid).toBe('next');
  });

  it('names those that a whole list lacks, but not those whose end is known', () => {
    const store = new VmStore();
    store.see([vm('lobby'), vm('den', { state: 'destroyed' }), vm('attic')]);
    expect(store.isLoaded()).toBe(false);
    expect(store.seeAll([vm('attic')], new Set(['lobby']))).toEqual(['lobby']);
    expect(store.isLoaded()).toBe(true);
    store.forget(['lobby']);
    expect(names(store.list()).sort()).toEqual(['attic', 'den']);
  });

  it('tells its listeners of changes alone', () => {
    const store = new VmStore();
    let told = 0;
    const stop = store.subscribe(() => (told += 1));
    store.see([vm('lobby')]);
    const before = store.list();
    store.see([vm('lobby')]);
    expect([told, store.list() === before]).toEqual([1, true]);
    stop();
    store.forget(['lobby']);
    expect(told).toBe(1);
  });
});
