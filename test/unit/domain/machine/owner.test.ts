import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOwner, machineLabels, ownerNames, withOwner } from '../../../../domain/machine/owner.ts';
import { hostWorkflowId, joinWorkflowId, sweepId, vmWorkflowId } from '../../../../domain/wire-names.ts';
import { LABEL } from '../../../../providers/cloud/resource-names.ts';
import { ownerLabelOf } from '../../../../providers/gcp/machine/instance-names.ts';

const part = fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/);
const owners = fc.tuple(fc.constantFrom('vm', 'warm'), part, part).map((parts) => parts.join('/'));

describe('the owner of a machine', () => {
  it('is a workflow of any kind that has a scope and a name; hosts, sweeps and join tokens own nothing', () => {
    fc.assert(fc.property(owners, isOwner));
    for (const id of [hostWorkflowId('attic'), sweepId('d'), joinWorkflowId('j'), 'vm/a/b/c', 'vm//b', '../vm', '']) {
      expect(isOwner(id)).toBe(false);
    }
  });

  it('is shown to people by the name that they know', () => {
    expect(ownerNames('vm/default/lobby')).toEqual({ project: 'default', vm: 'lobby' });
    expect(ownerNames('warm/t/1')).toEqual({ project: '', vm: 'warm-t-1' });
  });

  it('is the VM that labels of before name, and what the labels say where they say it', () => {
    const before = { deployment: 'd', machineId: 'm-1', project: 'default', vm: 'lobby' };
    fc.assert(
      fc.property(
        part,
        part,
        (project, vm) => withOwner({ ...before, project, vm }).owner === vmWorkflowId(project, vm),
      ),
    );
    expect(withOwner(before).owner).toBe('vm/default/lobby');
    const labels = machineLabels({ deployment: 'd', machineId: 'm-1', owner: 'warm/t/1' });
    expect(withOwner(JSON.parse(JSON.stringify(labels)) as typeof labels)).toEqual(labels);
  });
});

describe('the owner in a label of Compute Engine', () => {
  it('can be read where it fits', () => {
    expect(LABEL.owner).toBe('ephemera-owner');
    expect(ownerLabelOf('vm/default/lobby')).toBe('vm_default_lobby');
    expect(ownerLabelOf(`vm/default/${'x'.repeat(52)}`)).toHaveLength(63);
  });

  it('keeps the rules for ids of every length, the longest ones too, and differs for every owner', () => {
    fc.assert(
      fc.property(fc.uniqueArray(owners, { maxLength: 50 }), (ids) => {
        const labels = ids.map(ownerLabelOf);
        for (const label of labels) expect(label).toMatch(/^[a-z0-9_-]{1,63}$/);
        expect(new Set(labels).size).toBe(ids.length);
      }),
    );
    const long = (last: string): string => `vm/${'p'.repeat(63)}/${'n'.repeat(62)}${last}`;
    expect(ownerLabelOf(long('a'))).not.toBe(ownerLabelOf(long('b')));
  });

  it('is never that of an owner which only looks alike', () => {
    const alike = ['vm/a_b/c', 'vm/a/b_c', 'vm/a/b/c', 'vm/A/b', 'vm/a/b', 'vm_a_b', ownerLabelOf('vm/A/b')];
    expect(new Set(alike.map(ownerLabelOf)).size).toBe(alike.length);
  });
});
