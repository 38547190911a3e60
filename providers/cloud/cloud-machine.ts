/** What a server of a cloud is to everybody else, and which of several is the machine. */
import type { Machine } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { CloudFailure, providerErrorOf } from './cloud-failure.ts';
import type { CloudServer } from './cloud.ts';

/** Something of it is there, so that it is the machine or may become it. */
export function isAlive({ status }: Pick<CloudServer, 'status'>): boolean {
  return status !== 'gone';
}

/** Of several servers with one id everybody takes the same: that which was made first. */
export function firstOf(servers: readonly CloudServer[]): CloudServer | undefined {
  return servers.filter(isAlive).toSorted(byAge)[0];
}

function byAge(one: CloudServer, other: CloudServer): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}

/** Parts that a make left behind when the cloud gave it up: to be removed, though there is no server. */
export function isGivenUp({ status, failure }: CloudServer): boolean {
  return status === 'gone' && failure !== undefined;
}

/** The machine that these servers are: the first one, or what was left of one; undefined where nothing is there. */
export function machineOfServers(provider: string, servers: readonly CloudServer[]): Machine | undefined {
  const server = firstOf(servers) ?? servers.find(isGivenUp);
  return server === undefined ? undefined : machineOf(provider, server);
}

export function machineOf(provider: string, server: CloudServer): Machine {
  const { record, ip, place } = server;
  const status = statusOf(server);
  // An inner address may stay its own while it is down, and nobody answers there.
  const isUp = status === 'starting' || status === 'running';
  return {
    ...{ machineId: record.labels.machineId, provider, host: null, zone: place },
    instanceId: server.instanceId ?? server.id,
    address: ip === null || !isUp ? null : { ip, ports: record.ports },
    ...{ status, labels: record.labels, agent: { kind: 'http' }, createdAt: server.createdAt },
    startSignature: record.startSignature,
    awaitsAssignment: record.awaitsAssignment,
  };
}

/** Stopped by itself is the end: a machine lives once. Stopped because we asked for it is not. */
function statusOf({ status, ip, wish }: CloudServer): Machine['status'] {
  switch (status) {
    case 'starting':
      return 'starting';
    case 'running':
      return ip === null ? 'starting' : 'running';
    case 'stopping':
    case 'suspended':
      return wish ?? 'ended';
    case 'stopped':
      // Nothing of its memory is left, whatever was asked for.
      return wish === null ? 'ended' : 'stopped';
    case 'gone':
      return 'ended';
  }
}

export function isMachineId(text: string): boolean {
  return /^m-[A-Za-z0-9_-]{1,80}$/.test(text);
}

/** That machine is not there and never will be. */
export function ended(machineId: string, why: string): ProviderError {
  return new ProviderError('machineEnded', `${machineId} ${why}`);
}

export function isMachineEnded(error: unknown): boolean {
  return error instanceof ProviderError && error.code === 'machineEnded';
}

/** What `work` gives, with a cloud's failures as the errors of a provider. */
export async function withMappedErrors<Value>(doing: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof CloudFailure ? providerErrorOf(error, { doing }) : error;
  }
}

export function isFailure(error: unknown, ...kinds: readonly CloudFailure['kind'][]): error is CloudFailure {
  return error instanceof CloudFailure && kinds.includes(error.kind);
}
