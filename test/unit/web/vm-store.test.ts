import { describe, expect, it } from 'vitest';
import { VmStore, type Vm } from '../../../web/vms/feed/vm-store.ts';

const AT = '2026-11-30T06:00:00.000Z';

function vm(name: string, state: Vm['state'] = 'running'): Vm {
  return { name, uid: `life-of-${name}`, state, createdAt: AT, updatedAt: AT, can: [], runId: 'run' } as unknown as Vm;
}

const namesIn = (store: VmStore): string[] => store.list().map(({ name }) => name);
const many = (count: number): Vm[] => Array.from({ length: count }, (_, index) => vm(`vm-${index}`));

describe('the VMs that a page knows', () => {
  it('are no ghosts when thousands have ended while nobody heard of it', () => {
    const store = new VmStore();
    store.seeAll(many(3000), new Set());
    const toLookAt = store.seeAll([vm('new')], new Set(namesIn(store)));
    expect(toLookAt).toHaveLength(20);
    expect(namesIn(store).sort()).toEqual([...toLookAt, 'new'].sort());
  });

  it('keep those that came while the list was read', () => {
    const store = new VmStore();
    const before = new Set<string>();
    store.see(many(100));
    expect(store.seeAll([], before)).toHaveLength(20);
    expect(namesIn(store)).toHaveLength(100);
  });

  it('keep those that have ended, with their reason, whatever a list of the live ones says', () => {
    const store = new VmStore();
    store.see([...many(30), vm('over', 'failed')]);
    expect(store.seeAll([], new Set(namesIn(store)))).not.toContain('over');
    expect(namesIn(store)).toContain('over');
  });
});
