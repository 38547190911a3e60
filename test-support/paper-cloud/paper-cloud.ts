/** The paper cloud as a `Cloud`: how its servers are found, made, changed and taken away, and nothing else. */
import { isDeepStrictEqual } from 'node:util';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { ApiCalls, CallSettings } from '../../providers/cloud/api-calls.ts';
import { CloudFailure, kindOfStatus } from '../../providers/cloud/cloud-failure.ts';
import type { Cloud, CloudImage, CloudImages, CloudServer } from '../../providers/cloud/cloud.ts';
import { parseImageRecord } from '../../providers/cloud/image-record.ts';
import { parseMachineRecord, recordOfRequest } from '../../providers/cloud/machine-record.ts';
import { serverNameOf } from '../../providers/cloud/resource-names.ts';
import type { PaperImage, PaperServer } from './paper-model.ts';

export interface PaperPlace {
  endpoint: string;
  deployment: string;
  /** Places of specs that name none, in the order to try. */
  places: readonly string[];
}

/** What a failed call means: in one place, so that each failure has one code. */
export function failureOf(error: unknown): CloudFailure {
  if (error instanceof CloudFailure) return error;
  return new CloudFailure('unavailable', 'noAnswer', 'the paper cloud does not answer', { cause: error });
}

export function paperCloud({ endpoint, deployment, places }: PaperPlace, calls: ApiCalls<AbortSignal>): Cloud {
  const call = <Body>(settings: CallSettings, method: string, path: string, body?: unknown): Promise<Body> =>
    calls.make(settings, async (signal) => {
      const init = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await fetch(`${endpoint}/${path}`, { method, signal, ...init });
      const text = (await answer.json()) as unknown;
      if (answer.ok) return text as Body;
      const { error } = text as { error: string };
      const kind = { 507: 'noCapacity', 423: 'notReady' }[answer.status] ?? kindOfStatus(answer.status);
      throw new CloudFailure(kind as CloudFailure['kind'], String(answer.status), error);
    });
  const find = <Found>(settings: CallSettings, path: string): Promise<Found | undefined> =>
    unlessGone(call<Found>(settings, 'GET', path));
  const servers = async (settings: CallSettings, query: string): Promise<CloudServer[]> =>
    (await call<PaperServer[]>(settings, 'GET', `servers${query}`)).flatMap((one) => serverOf(one, deployment) ?? []);
  const named = (machineId: string): string => `?name=${serverNameOf(deployment, machineId)}`;
  const written = async (server: CloudServer, change: Partial<PaperServer>, settings: CallSettings): Promise<void> => {
    const now = await call<PaperServer>(settings, 'GET', `servers/${server.id}`);
    const isAsRead = isDeepStrictEqual(serverOf(now, deployment)?.record, server.record);
    if (!isAsRead) throw new CloudFailure('fingerprint', 'record', `${server.id} has another record by now`);
    const body = { ...change, tags: { ...now.tags, ...change.tags }, version: now.version };
    await call(settings, 'PATCH', `servers/${server.id}`, body);
  };

  return {
    name: 'paper',
    makesOnce: false,
    check: ({ spec }) => {
      const unknown = spec.zones.find((zone) => !places.includes(zone));
      if (unknown !== undefined) throw new ProviderError('badSpec', `field zones: ${unknown} is none`);
    },
    places: ({ zones }) => (zones.length > 0 ? zones : places),
    find: (machineId, settings) => servers(settings, named(machineId)),
    get: async ({ id }, settings) => {
      const found = await find<PaperServer>(settings, `servers/${id}`);
      return found === undefined ? undefined : serverOf(found, deployment);
    },
    list: (settings) => servers(settings, ''),
    make: async (request, { place, startImage }, settings) => {
      const made = await call<PaperServer>(settings, 'POST', 'servers', {
        name: serverNameOf(deployment, request.machineId),
        place,
        tags: { record: JSON.stringify(recordOfRequest(request, deployment)) },
        secret: request.agentBootstrap?.secret ?? null,
        image: startImage?.id ?? null,
      });
      return serverOf(made, deployment) as CloudServer;
    },
    remove: async (machineId, settings) => {
      const left = (await servers(settings, named(machineId))).filter(isThere);
      for (const { id } of left) await unlessGone(call(settings, 'DELETE', `servers/${id}`));
      return left.length > 0 ? 'going' : 'gone';
    },
    removeOne: ({ id }, settings) => call(settings, 'DELETE', `servers/${id}`),
    ended: {
      note: (machineId, settings) => call(settings, 'PUT', `notes/${serverNameOf(deployment, machineId)}`),
      has: async (machineId, settings) =>
        (await find(settings, `notes/${serverNameOf(deployment, machineId)}`)) !== undefined,
    },
    setWish: (server, wish, settings) => written(server, { tags: { wish: wish ?? '' } }, settings),
    stop: ({ id }, settings) => call(settings, 'POST', `servers/${id}/stop`, {}),
    start: ({ id }, settings) => call(settings, 'POST', `servers/${id}/start`, {}),
    suspend: ({ id }, settings) => call(settings, 'POST', `servers/${id}/suspend`, {}),
    change: (server, { record, secret }, settings) =>
      written(
        server,
        { tags: { record: JSON.stringify(record) }, ...(secret === undefined ? {} : { secret }) },
        settings,
      ),
    console: ({ id }, settings) => find<string>(settings, `servers/${id}/console`),
    images: paperImages(deployment, call),
  };
}

async function unlessGone<Found>(answer: Promise<Found>): Promise<Found | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof CloudFailure && error.kind === 'notFound') return undefined;
    throw error;
  });
}

/** Also of a machine that was given up something is left. */
function isThere({ status, failure }: CloudServer): boolean {
  return status !== 'gone' || failure !== undefined;
}

function paperImages(
  deployment: string,
  call: <Body>(settings: CallSettings, method: string, path: string, body?: unknown) => Promise<Body>,
): CloudImages {
  const images = async (settings: CallSettings, query: string): Promise<CloudImage[]> =>
    (await call<PaperImage[]>(settings, 'GET', `images${query}`)).flatMap((one) => imageOf(one, deployment) ?? []);
  return {
    find: (name, settings) => images(settings, `?name=${serverNameOf(deployment, name)}`),
    list: (settings) => images(settings, ''),
    begin: async (record, { id }, settings) => {
      const name = serverNameOf(deployment, record.imageId);
      await call(settings, 'POST', 'images', { name, tags: { record: JSON.stringify(record) }, server: id });
    },
    deprecate: ({ id }, settings) => call(settings, 'PUT', `images/${id}/deprecated`),
    remove: ({ id }, settings) => call(settings, 'DELETE', `images/${id}`),
  };
}

/** Undefined for what is not ours: only the record is believed. */
function serverOf(server: PaperServer, deployment: string): CloudServer | undefined {
  const record = parseMachineRecord(server.tags['record'] ?? '');
  if (record?.labels.deployment !== deployment) return undefined;
  const { id, place, status, ip, createdAt, tags, failure } = server;
  const wish = tags['wish'] === 'stopped' || tags['wish'] === 'suspended' ? tags['wish'] : null;
  const whyGone =
    failure === undefined
      ? undefined
      : new CloudFailure(failure === 'full' ? 'noCapacity' : 'unavailable', failure, `${place} gave it up`);
  return { id, place, status, ip: status === 'starting' ? null : ip, createdAt, record, wish, failure: whyGone };
}

function imageOf(
  { id, createdAt, status, tags, deprecated, bytes }: PaperImage,
  deployment: string,
): CloudImage | undefined {
  const record = parseImageRecord(tags['record'] ?? '');
  if (record?.deployment !== deployment) return undefined;
  return { id, record, createdAt, status, deprecated, diskGb: 1, sizeBytes: bytes };
}
