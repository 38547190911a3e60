/** VMs on the hosts of a fleet, as their users and the API see them. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import type { Fleet, FleetHost } from './fleet.ts';
import { eventually } from '../stack.ts';
import { letsUsersIn } from './serving-watch.ts';

export const CHAT_PORT = 8080;
const TRIES = 20;

export type ReachedVm = VmView & { ip: string };

/** VMs until one is where it is wanted, which alone is kept. `more`: of its spec. Nothing that happens in a test makes it idle. */
export async function readyVmWhere(
  { stack }: Pick<Fleet, 'stack'>,
  isWanted: (vm: VmView) => boolean | Promise<boolean>,
  more: object = {},
): Promise<ReachedVm> {
  const idle = { firstConnectTimeoutSeconds: 3600, silenceTimeoutSeconds: 3600 };
  for (let tries = 0; tries < TRIES; tries += 1) {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const wanted = { name, template: 'chat', idle, ...more };
    const { status, body } = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', wanted);
    expect([status, body.state], JSON.stringify(body)).toEqual([201, 'running']);
    if (await isWanted(body)) return { ...body, ip: body.address!.ip };
    await stack.call('DELETE', `/v1/vms/${name}`);
  }
  throw new Error(`none of ${TRIES} VMs is where it is wanted`);
}

/** Whether the machine that this view names lets users in. */
export function serves({ machineId, address }: VmView): Promise<boolean> {
  return letsUsersIn({ machineId, vm: '', address: { ip: address!.ip, port: CHAT_PORT } });
}

/** As the registry says; undefined where it has no such host. */
export async function stateOfHost({ stack }: Pick<Fleet, 'stack'>, id: string): Promise<string | undefined> {
  const { body } = await stack.calls.listHosts();
  return body.hosts.find((host) => host.id === id)?.state;
}

/**
 * Cuts a host off, until the registry calls it away. What it had sent before may still be read by Temporal for a moment,
 * and looks like a worker that serves: another one of its id would be refused.
 */
export async function cutOff(fleet: Fleet, { id, network }: FleetHost): Promise<void> {
  network.cut();
  await eventually(fleet, `${id} away`, async () => ((await stateOfHost(fleet, id)) === 'away' ? true : undefined));
}
