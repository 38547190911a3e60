import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as wireNames from '../../../domain/wire-names.ts';
import {
  hostClaimTaskQueue,
  hostTaskQueue,
  hostWorkflowId,
  bootTaskQueueOf,
  createTaskQueue,
  hostMachineTaskQueue,
  machineTaskQueue,
  maintenanceTaskQueueOf,
  parseVmWorkflowId,
  templateWorkflowId,
  vmWorkflowId,
} from '../../../domain/wire-names.ts';

describe('names that other programs type, store or send', () => {
  it('are what they always were', () => {
    const names = Object.entries(wireNames).filter(([, value]) => typeof value !== 'function');
    expect(Object.fromEntries(names)).toMatchInlineSnapshot(`
      {
        "CONSOLE_OWNER_HEADER": "x-ephemera-owner",
        "CONSOLE_VM_HEADER": "x-ephemera-vm",
        "CONTROL_TASK_QUEUE": "ephemera-control",
        "HANDOVER_SIGNAL": {
          "adopt": "adopt",
          "adoptAnswer": "adoptAnswer",
          "granted": "granted",
          "retire": "retire",
          "returned": "returned",
          "taken": "taken",
        },
        "HOST_SIGNAL": {
          "cordon": "cordon",
          "drain": "drain",
          "ready": "hostReady",
          "remove": "remove",
          "uncordon": "uncordon",
        },
        "IMAGE_SIGNAL": {
          "release": "releaseImage",
        },
        "MEMO": {
          "given": "given",
          "host": "host",
          "idempotencyKeyHash": "idempotencyKeyHash",
          "image": "image",
          "join": "join",
          "pool": "pool",
          "requestHash": "requestHash",
          "requests": "requests",
          "spec": "spec",
          "specHash": "specHash",
          "template": "template",
          "vm": "vm",
          "webhook": "webhook",
        },
        "OWNER_TYPES": [
          "vm",
          "warm",
        ],
        "POOL_SIGNAL": {
          "configure": "configure",
          "evicted": "warmEvicted",
          "over": "warmOver",
          "ready": "warmReady",
        },
        "QUERY": {
          "history": "history",
          "keptImages": "keptImages",
          "sealedInput": "sealedInput",
          "timeline": "timeline",
          "version": "version",
          "view": "view",
        },
        "REQUEST_SIGNAL": {
          "accept": "acceptRequest",
          "cancel": "cancelRequest",
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
          "close": "close",
          "connections": "connections",
          "destroy": "destroy",
          "drain": "drain",
          "hold": "hold",
          "machineLost": "machineLost",
          "report": "report",
          "resume": "resume",
          "rollOver": "rollOver",
          "snapshot": "snapshot",
          "start": "start",
          "stop": "stop",
          "suspend": "suspend",
          "undrain": "undrain",
        },
        "TEMPLATE_SIGNAL": {
          "createEnded": "createEnded",
          "delete": "delete",
          "firstWarm": "firstWarm",
          "put": "put",
        },
        "UPDATE": {
          "awaitReady": "awaitReady",
          "beginImage": "beginImage",
          "claim": "claim",
          "close": "close",
          "deleteImages": "deleteImages",
          "destroy": "destroy",
          "exchange": "exchange",
          "imageFailed": "imageFailed",
          "keepImage": "keepImage",
          "resume": "resume",
          "snapshot": "snapshot",
          "start": "start",
          "stop": "stop",
          "suspend": "suspend",
          "sweepImages": "sweepImages",
          "takeBack": "takeBack",
          "takeImage": "takeImage",
        },
        "WEBHOOK_SIGNAL": {
          "enable": "enableWebhook",
          "send": "sendMessage",
        },
        "WORKFLOW_TYPE": {
          "given": "given",
          "host": "host",
          "image": "image",
          "imageSweep": "imageSweep",
          "join": "join",
          "pool": "pool",
          "requests": "requests",
          "sweep": "sweep",
          "template": "template",
          "vm": "vm",
          "warm": "warm",
          "webhook": "webhook",
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
    expect(createTaskQueue('qemu', 's4.zone-a', 'other')).toBe('other.machines.qemu.create.s4.zone-a');
  });

  it('has one beside it for boots, and one for what neither creates nor boots may hold up', () => {
    expect(bootTaskQueueOf(machineTaskQueue('local'))).toBe('ephemera-control.machines.local.boot');
    expect(maintenanceTaskQueueOf(machineTaskQueue('local'))).toBe('ephemera-control.machines.local.maintenance');
  });

  it('is a queue of its own for each host whose machines nobody else knows', () => {
    const queue = hostMachineTaskQueue('qemu', 'rack-1', 'other');
    expect(queue).toBe('other.machines.qemu.host.rack-1');
    expect(maintenanceTaskQueueOf(queue)).toBe('other.machines.qemu.host.rack-1.maintenance');
  });
});

describe('the names of a host', () => {
  it('are a workflow, a queue for its lease, and one that only shows that it is there', () => {
    expect(hostWorkflowId('attic')).toBe('host/attic');
    expect(hostTaskQueue('attic')).toBe('ephemera-control.hosts.attic');
    expect(hostClaimTaskQueue('attic')).toBe('ephemera-control.hosts.attic.claim');
  });

  it('are others in another deployment of the namespace', () => {
    expect(hostWorkflowId('attic', 'other')).toBe('host/attic@other');
    expect(hostTaskQueue('attic', 'other')).toBe('other.hosts.attic');
  });
});

it('the workflow id of a template is what a person types, and another one in another deployment of the namespace', () => {
  expect(templateWorkflowId('default', 'arena')).toBe('template/default/arena');
  expect(templateWorkflowId('default', 'arena', 'other')).toBe('template/default/arena@other');
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
