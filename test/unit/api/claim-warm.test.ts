import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { claimWarm } from '../../../api/pools/claim-warm.ts';
import { PoolDirectory } from '../../../api/pools/pool-directory.ts';
import { TemplateDirectory } from '../../../api/templates/template-directory.ts';
import { VmDirectory } from '../../../api/vms/seen/vm-directory.ts';
import { newPool } from '../../../domain/pool/state.ts';
import { poolView } from '../../../domain/pool/view.ts';
import { MEMO, poolWorkflowId, templateWorkflowId } from '../../../domain/wire-names.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';

const QUEUE = 'ephemera-control';
const spec = chatTemplateSpec('local');
const WARM = { min: 1, max: 2, ttlSeconds: 60 };
const POOL = { ...poolView(newPool('default', 'chat'), 0), version: spec.template!.version, max: 2 };
const VM = { project: 'default', name: 'lobby', spec, idempotencyKeyHash: null, reuse: 'closedNameIsFree' } as const;

type Asked = 'list' | 'pool' | 'vm' | 'claim';

/** Stands for Temporal, notes what it is asked, and knows a pool with this memo; visibility is away. */
function temporal(memo: Record<string, unknown>, vm?: 'RUNNING' | 'COMPLETED'): { client: Client; asked: Asked[] } {
  const asked: Asked[] = [];
  const describe = (workflowId: string): Promise<object> => {
    if (workflowId === poolWorkflowId('default', 'chat', QUEUE)) {
      asked.push('pool');
      return Promise.resolve({ memo, status: { name: 'RUNNING' } });
    }
    asked.push('vm');
    if (vm !== undefined) return Promise.resolve({ runId: 'run-1', status: { name: vm } });
    return Promise.reject(new WorkflowNotFoundError('not there', workflowId, undefined));
  };
  const client = {
    withDeadline: (_until: number, call: () => Promise<unknown>) => call(),
    workflow: {
      list: () => {
        asked.push('list');
        throw new Error('visibility is away');
      },
      getHandle: (workflowId: string) => ({
        describe: () => describe(workflowId),
        executeUpdate: (_update: unknown, { args }: { args: [{ requests: { id: string }[] }] }) => {
          asked.push('claim');
          return Promise.resolve({ grants: args[0].requests.map(({ id }) => ({ id, machineId: 'm-1' })) });
        },
      }),
    },
  };
  return { client: client as unknown as Client, asked };
}

/** `warm`: what the replica's copy of the template says, in whatever form. */
async function claimed(
  warm: unknown,
  { client }: { client: Client },
  changes: { reuse?: 'never'; spec?: VmSpec } = {},
): Promise<string | undefined> {
  const templates = new TemplateDirectory(client, QUEUE);
  const at = '2026-11-29T00:00:00.000Z';
  const version = POOL.version;
  const made = { version, state: 'good' as const, contentHash: 'h', putId: 'p', createdBy: 'k', createdAt: at };
  const view = { project: 'default', name: 'chat', deleted: false, versions: [made], serving: version, nextVersion: 9 };
  const contents = { [version]: { spec: {}, reuse: 'none' as const, warm: warm as null } };
  const workflowId = templateWorkflowId('default', 'chat', QUEUE);
  if (warm !== 'unknown')
    templates.copies.see({ workflowId, closedAt: null, view: { ...view, contents, updatedAt: at } });
  const adopted = await claimWarm(
    {
      ...{ templates, pools: new PoolDirectory(client, QUEUE), directory: new VmDirectory(client) },
      projection: { get: () => undefined } as unknown as Parameters<typeof claimWarm>[0]['projection'],
      startSignatures: { sign: () => 'signed' } as unknown as Parameters<typeof claimWarm>[0]['startSignatures'],
    },
    { ...VM, ...changes },
  );
  return adopted?.machineId;
}

const MEMO_OF_POOL = { [MEMO.pool]: POOL, [MEMO.spec]: spec };

describe('a create from a template', () => {
  it('asks nobody where its template has no pool, or one that is paused or that this version cannot read', async () => {
    for (const warm of ['unknown', null, { ...WARM, paused: true }, { min: 1 }, 'yes', 5]) {
      const server = temporal(MEMO_OF_POOL);
      expect([warm, await claimed(warm, server), server.asked]).toEqual([warm, undefined, []]);
    }
  });

  it('claims from the pool without waiting for a search, also while visibility is away', async () => {
    const server = temporal(MEMO_OF_POOL);
    expect(await claimed(WARM, server)).toBe('m-1');
    expect(server.asked.sort()).toEqual(['claim', 'pool', 'vm']);
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    const hanging = temporal(MEMO_OF_POOL);
    Object.assign(hanging.client.workflow, { list: () => never });
    expect(await claimed(WARM, hanging)).toBe('m-1');
  });

  it('claims nothing from a pool whose memo is damaged, of another pool, version or shape, and fails for none of it', async () => {
    const memos = [
      {},
      { [MEMO.pool]: POOL },
      { [MEMO.pool]: POOL, [MEMO.spec]: null },
      { [MEMO.pool]: POOL, [MEMO.spec]: 'spec' },
      { [MEMO.pool]: null, [MEMO.spec]: spec },
      { [MEMO.pool]: { ...POOL, template: 'other' }, [MEMO.spec]: spec },
      { [MEMO.pool]: { ...POOL, version: 99 }, [MEMO.spec]: spec },
      { [MEMO.pool]: { ...POOL, max: 0 }, [MEMO.spec]: spec },
      { [MEMO.pool]: POOL, [MEMO.spec]: { ...spec, cpus: 7 } },
    ];
    for (const memo of memos) {
      const server = temporal(memo);
      expect([memo, await claimed(WARM, server)]).toEqual([memo, undefined]);
      expect(server.asked).not.toContain('claim');
    }
  });

  it('claims nothing for a name that a VM has, and for the name of an Idempotency-Key that a VM ever had', async () => {
    for (const [status, reuse, machineId] of [
      ['RUNNING', 'closedNameIsFree', undefined],
      ['COMPLETED', 'closedNameIsFree', 'm-1'],
      ['COMPLETED', 'never', undefined],
    ] as const) {
      const server = temporal(MEMO_OF_POOL, status);
      expect(await claimed(WARM, server, reuse === 'never' ? { reuse } : {})).toBe(machineId);
    }
  });

  it('claims nothing where the machine could not be told what it is before its users come', async () => {
    const pooled = { ...spec, provider: 'gcp' };
    const memo = { [MEMO.pool]: POOL, [MEMO.spec]: pooled };
    expect(await claimed(WARM, temporal(memo), { spec: pooled })).toBe('m-1');
    const server = temporal(memo);
    const readiness = { ...spec.readiness, kind: 'tcp', port: 8080 } as const;
    expect(await claimed(WARM, server, { spec: { ...pooled, readiness } })).toBeUndefined();
    expect(server.asked).not.toContain('claim');
  });

  it('is made anew where Temporal does not answer', async () => {
    const server = temporal(MEMO_OF_POOL);
    const { workflow } = server.client;
    const away = { workflow, withDeadline: () => Promise.reject(new Error('away')) } as unknown as Client;
    expect(await claimed(WARM, { client: away })).toBeUndefined();
  });
});
