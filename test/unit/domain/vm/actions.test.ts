import { describe, expect, it } from 'vitest';
import { VM_ACTIONS, offeredActions, statesThatAllow, vmCan } from '../../../../domain/vm/actions.ts';
import { VM_STATE_NAMES, type VmStateName } from '../../../../domain/vm/state.ts';

const TABLE = `
                creating  booting  running  draining  stopping  stopped  imaging  starting  suspending  suspended  resuming  destroying  destroyed  failed
destroy         yes       yes      yes      yes       yes       yes      yes      yes       yes         yes        yes       yes         yes        yes
drain           yes       yes      yes      yes       no        no       no       no        no          no         no        no          no         no
undrain         no        no       yes      yes       no        no       no       no        no          no         no        no          no         no
setConnections  yes       yes      yes      yes       no        no       no       no        no          no         no        no          no         no
hold            yes       yes      yes      yes       no        no       no       no        no          no         no        no          no         no
stop            no        yes      yes      yes       yes       yes      yes      yes       yes         yes        yes       no          no         no
start           yes       yes      yes      yes       yes       yes      yes      yes       yes         yes        yes       no          no         no
close           no        yes      yes      yes       yes       yes      yes      yes       no          no         no        no          no         no
snapshot        no        no       yes      yes       yes       yes      no       no        no          no         no        no          no         no
suspend         no        no       yes      yes       no        no       no       no        yes         yes        yes       no          no         no
resume          yes       yes      yes      yes       no        no       no       no        yes         yes        yes       no          no         no
`;

const [columns = [], ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));

describe('what a person may do with a VM', () => {
  it('is decided for every action in every state', () => {
    expect(columns).toEqual([...VM_STATE_NAMES]);
    expect(rows.map(([action]) => action).toSorted()).toEqual(VM_ACTIONS.toSorted());
  });

  it.each(VM_ACTIONS)('%s', (action) => {
    const row = rows.find(([name]) => name === action);
    const answers = columns.map((state) => (vmCan[action](state as VmStateName) ? 'yes' : 'no'));
    expect([action, ...answers]).toEqual(row);
    expect(statesThatAllow(action)).toEqual(columns.filter((_, index) => answers[index] === 'yes'));
  });

  it.each(VM_STATE_NAMES)('offers in %s what is allowed there, and nothing of a VM that has ended', (state) => {
    const offered = offeredActions(state);
    expect(offered.filter((action) => !vmCan[action](state))).toEqual([]);
    if (['destroying', 'destroyed', 'failed'].includes(state)) expect(offered).toEqual([]);
    else expect(offered).toContain('destroy');
  });

  it('offers a start to what is stopped, and a stop to what runs', () => {
    expect(offeredActions('stopped')).toEqual(['start', 'snapshot', 'close', 'destroy']);
    expect(offeredActions('running')).not.toContain('start');
    expect(offeredActions('running')).toContain('stop');
  });
});
