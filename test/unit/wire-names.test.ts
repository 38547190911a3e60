import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as wireNames from '../../domain/wire-names.ts';
import {
  hostClaimTaskQueue,
  machineTaskQueue,
  machineTaskQueues,
  parseVmWorkflowId,
  vmWorkflowId,
} from '../../domain/wire-names.ts';

describe('names that other programs type, store or send', () => {
  it('are what they always were', () => {
    const names = Object.entries(wireNames).filter(([, value]) => typeof value !== 'function');
    expect(Object.fromEntries(names)).toMatchInlineSnapshot(`
      {
        "CONSOLE_OWNER_HEADER": "x-ephemera-vm",
        "CONTROL_TASK_QUEUE": "ephemera-control",
        "MEMO": {
          "idempotencyKeyHash": "idempotencyKeyHash",
          "spec": "spec",
          "specHash": "specHash",
          "vm": "vm",
        },
        "QUERY": {
          "sealedInput": "sealedInput",
          "timeline": "timeline",
          "view": "view",
        },
        "SEARCH_ATTRIBUTE": {
          "host": {
            "name": "VmHost",
            "type": "KEYWORD",
          },
          "labels": {
            "name": "VmLabels",
            "type": "KEYWORD_LIST",
          },
          "machine": {
            "name": "VmMachine",
            "type": "KEYWORD",
          },
          "project": {
            "name": "VmProject",
            "type": "KEYWORD",
          },
          "provider": {
            "name": "VmProvider",
            "type": "KEYWORD",
          },
          "state": {
            "name": "VmState",
            "type": "KEYWORD",
          },
          "template": {
            "name": "VmTemplate",
            "type": "KEYWORD",
          },
          "updatedAt": {
            "name": "VmUpdatedAt",
            "type": "DATETIME",
          },
        },
        "SIGNAL": {
          "connections": "connections",
          "destroy": "destroy",
          "drain": "drain",
          "hold": "hold",
          "machineLost": "machineLost",
          "report": "report",
          "undrain": "undrain",
        },
        "UPDATE": {
          "awaitReady": "awaitReady",
          "destroy": "destroy",
          "exchange": "exchange",
        },
        "WORKFLOW_TYPE": {
          "sweep": "sweep",
          "vm": "vm",
        },
      }
    `);
  });

  it('are different from each other within their kind', () => {
    const { SIGNAL, QUERY, UPDATE, MEMO } = wireNames;
    for (const names of [SIGNAL, QUERY, UPDATE, MEMO].map((kind) => Object.values<string>(kind))) {
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe('the task queue of machines', () => {
  it('is named after the control queue and the provider', () => {
    expect(machineTaskQueue('local')).toBe('ephemera-control.machines.local');
    expect(machineTaskQueue('qemu', 'other')).toBe('other.machines.qemu');
  });

  it('has one beside it for boots, and one for what neither creates nor boots may hold up', () => {
    expect(machineTaskQueues('local')).toEqual([
      'ephemera-control.machines.local',
      'ephemera-control.machines.local.boot',
      'ephemera-control.machines.local.maintenance',
    ]);
    expect(hostClaimTaskQueue('local')).toBe('ephemera-control.machines.local.hosts');
  });
});

describe("a VM's workflow id", () => {
  it('is what a person types at the Temporal CLI', () => {
    expect(vmWorkflowId('default', 'lobby')).toBe('vm/default/lobby');
  });

  it('gives project and name back', () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/);
    fc.assert(
      fc.property(name, name, (project, vm) => {
        expect(parseVmWorkflowId(vmWorkflowId(project, vm))).toEqual({ project, name: vm });
      }),
    );
  });

  it.each(['', 'vm', 'vm/default', 'vm/default/', 'vm//lobby', 'vm/default/lobby/x', 'warm/default/lobby', 'lobby'])(
    'is not %j',
    (other) => {
      expect(parseVmWorkflowId(other)).toBeUndefined();
    },
  );
});
