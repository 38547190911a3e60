/** How replicas of the API find and trust each other, over real TLS and WebSockets; Temporal's list of pollers is played. */
import { once } from 'node:events';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { AgentLink } from '../../../api/agent-links/agent-link.ts';
import { connectReplica } from '../../../api/replicas/replica-connection.ts';
import { startReplicaServer, type ReplicaServer } from '../../../api/replicas/replica-server.ts';
import { Replicas } from '../../../api/replicas/replicas.ts';
import { replicaAddressIn, replicaIdentity, replicaSharedKey } from '../../../security/replicas/replica-identity.ts';

const SECRET = new Uint8Array(32).fill(7);
const OTHER = new Uint8Array(32).fill(8);
const MACHINE = { machineId: 'm-1', owner: 'vm/default/lobby' };
const log = pino({ level: 'silent' });

const servers: ReplicaServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A replica that has a link to the machine since then, or none; `asked` counts the streams that it was asked for. */
async function replica(since: number | null, secret = SECRET): Promise<ReplicaServer & { asked: () => number }> {
  let asked = 0;
  const link = {
    since: since ?? 0,
    open: () => {
      asked += 1;
      throw new Error('not in this test');
    },
  } as unknown as AgentLink;
  const links = {
    linkOf: ({ machineId, owner }: typeof MACHINE) =>
      since !== null && machineId === MACHINE.machineId && owner === MACHINE.owner ? link : undefined,
  };
  const server = await startReplicaServer({
    host: '127.0.0.1',
    port: 0,
    key: replicaSharedKey(secret, 'test'),
    links,
    log,
  });
  servers.push(server);
  return { ...server, asked: () => asked };
}

/** A replica without links of its own, to which Temporal says that these poll. */
function asking(identities: string[]): Replicas {
  const lastAccessTime = { seconds: Math.floor(Date.now() / 1000), nanos: 0 };
  const pollers = identities.map((identity) => ({ identity, lastAccessTime }));
  const client = {
    options: { namespace: 'test' },
    withDeadline: (_at: number, call: () => unknown) => call(),
    workflowService: { describeTaskQueue: () => Promise.resolve({ pollers }) },
  } as unknown as Client;
  const links = { linkOf: () => undefined };
  return new Replicas({ client, controlTaskQueue: 'control', deployment: 'test', secret: SECRET, links, log });
}

const never = new AbortController().signal;
const said = ({ address }: ReplicaServer, id = '1@host'): string => replicaIdentity(SECRET, 'test', address, id);

describe('a replica that is asked for a stream', () => {
  it('gets it from the one that has the newest link, and asks no one that is no replica of its deployment', async () => {
    const [older, newer, without, strange] = [
      await replica(1),
      await replica(2),
      await replica(null),
      await replica(3, OTHER),
    ];
    const identities = [
      ...[said(older), said(newer), said(without), '123@worker', 'ephemera-api {'],
      // A port where nobody listens: a replica that was killed a moment ago.
      replicaIdentity(SECRET, 'test', '127.0.0.1:1', '2@host'),
      replicaIdentity(OTHER, 'test', strange.address, '3@host'),
      said(strange).replace(/"mac":"../, '"mac":"00'),
    ];
    const found = (await asking(identities).connectTo(MACHINE, never)) as WebSocket;
    expect(found.url).toContain(newer.address);
    found.terminate();
    await once(found, 'close');
  });

  it('gets nothing where none has a link for this owner', async () => {
    const one = await replica(1);
    const replicas = asking([said(one)]);
    expect(await replicas.connectTo({ ...MACHINE, owner: 'vm/other/lobby' }, never)).toBeUndefined();
    expect(await replicas.connectTo({ ...MACHINE, machineId: 'm-2' }, never)).toBeUndefined();
    expect(one.asked()).toBe(0);
  });

  it('trusts nobody who answers at the address of a replica and has not the key of the deployment', async () => {
    const strange = await replica(1, OTHER);
    expect(await asking([said(strange)]).connectTo(MACHINE, never)).toBeUndefined();
    await expect(connectReplica(strange.address, replicaSharedKey(SECRET, 'test'), never)).rejects.toThrow();
    // Another deployment of the same secret is another one.
    await expect(
      connectReplica((await replica(1)).address, replicaSharedKey(SECRET, 'other'), never),
    ).rejects.toThrow();
  });
});

it('an address is believed only as its replica said it, for its deployment', () => {
  const identity = replicaIdentity(SECRET, 'test', '10.0.0.7:7500', '1@host');
  expect(replicaAddressIn(SECRET, 'test', identity)).toBe('10.0.0.7:7500');
  expect(replicaAddressIn(SECRET, 'other', identity)).toBeUndefined();
  expect(replicaAddressIn(OTHER, 'test', identity)).toBeUndefined();
  expect(replicaAddressIn(SECRET, 'test', identity.replace('10.0.0.7', '169.254.169.254'))).toBeUndefined();
});
