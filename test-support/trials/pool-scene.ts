/** A deployment with a pool of warm machines, whose processes a test kills while they become VMs. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { warmWorkflowId } from '../../domain/wire-names.ts';
import { eventually, startStack, type ApiAnswer, type Stack } from '../stack.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';
import { putTemplate } from './put-template.ts';

export interface PoolScene {
  server: TestServer;
  stack: Stack;
  /** Waits until so many machines wait. */
  untilFull: (ready: number, ms?: number) => Promise<true>;
  /** A create of the template; throws when no API answers, and fails the test when it is refused. */
  create: (headers: Record<string, string>, more?: { name?: string }) => Promise<ApiAnswer['body']>;
  /** The owner of a machine, as its manifest on the disk says. */
  ownerOf: (machineId: string) => Promise<string | undefined>;
  /** Whether the machine on the disk is that of a warm workflow which runs. */
  isWarm: (machineId: string) => Promise<boolean>;
  stop: () => Promise<void>;
}

/** Headers of a create that may be asked for again. */
export const withKey = (): Record<string, string> => ({ 'idempotency-key': randomUUID() });

/** Starts Temporal, a control worker, a host and the API; the pool takes the place of the built-in template `chat`. */
export async function startPoolScene(warm: { min: number; max: number; ttlSeconds: number }): Promise<PoolScene> {
  const server = await startTestServer();
  const stack = await startStack({ server, controlWorkers: 1 });
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
  await putTemplate(stack, 'chat', { spec, warm });
  const ownerOf = async (machineId: string): Promise<string | undefined> => {
    const file = join(stack.stateDir, 'machines', machineId, 'machine.json');
    const manifest = await readFile(file, 'utf8').catch(() => null);
    return manifest === null ? undefined : (JSON.parse(manifest) as { labels: { owner: string } }).labels.owner;
  };
  return {
    server,
    stack,
    ownerOf,
    untilFull: (ready, ms) =>
      eventually(
        stack,
        `${ready} machines that wait`,
        async () => {
          const { pools = [] } = (await stack.call('GET', '/v1/pools')).body as { pools?: { ready: number }[] };
          return pools[0]?.ready === ready ? true : undefined;
        },
        ms,
      ),
    create: async (headers, more = {}) => {
      const { url } = stack.apis[0]!;
      const answer = await fetch(`${url}/v1/vms`, {
        method: 'POST',
        headers: { ...headers, authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ template: 'chat', ...more }),
      });
      expect([200, 201]).toContain(answer.status);
      return (await answer.json()) as ApiAnswer['body'];
    },
    isWarm: async (machineId) => {
      const owner = await ownerOf(machineId);
      if (owner === undefined || owner !== warmWorkflowId(machineId)) return false;
      return (await server.client.workflow.getHandle(owner).describe()).status.name === 'RUNNING';
    },
    stop: async () => {
      await stack.stop();
      await server.stop();
    },
  };
}
