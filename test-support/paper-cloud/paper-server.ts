/** The API of the paper cloud over HTTP: strict about what it is sent, and faulty on request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { PaperModel, type PaperOptions } from './paper-model.ts';

/** `before`: the call is lost. `after`: its answer is. */
export interface PaperFault {
  operation: string;
  times: number;
  what: 'before' | 'after' | { status: number; error: string };
}

export interface PaperCloudServer {
  endpoint: string;
  model: PaperModel;
  /** Operations in the order in which they came, such as `POST servers`. */
  calls: string[];
  faults: PaperFault[];
  /** Runs right before an operation has its effect. */
  hooks: Map<string, () => Promise<void>>;
  close: () => Promise<void>;
}

interface Answer {
  status: number;
  body: unknown;
}

type Route = (model: PaperModel, ids: { id: string; verb: string; name: string | null }, body: unknown) => Answer;

const tags = z.record(z.string(), z.string());
const newServer = z.strictObject({
  ...{ name: z.string().regex(/^[a-z0-9-]{1,63}$/), place: z.string(), tags },
  ...{ secret: z.string().nullable(), image: z.string().nullable() },
});
const changes = z.strictObject({ tags, secret: z.string().optional(), version: z.number() });
const newImage = z.strictObject({ name: z.string(), tags, server: z.string() });

const ROUTES: Readonly<Record<string, Route>> = {
  'GET servers': (model, { name }) => ok(model.shown().filter((server) => name === null || server.name === name)),
  'GET servers/ID': (model, { id }) => of(model.servers.get(id), ok),
  'POST servers': (model, _, body) => {
    const { image, ...server } = newServer.parse(body);
    if (!model.isKnownPlace(server.place)) return refused(400, `field place: no such place: ${server.place}`);
    if (image !== null && model.images.get(image)?.status !== 'ready') return refused(404, `no image ${image}`);
    const made = model.make(server, image);
    if (made === undefined) return refused(507, `no room in ${server.place}`);
    return made === 'taken' ? refused(409, `the name ${server.name} is given once`) : { status: 202, body: made };
  },
  'PATCH servers/ID': (model, { id }, body) =>
    of(model.servers.get(id), (server) => {
      const { version, ...changed } = changes.parse(body);
      if (version !== server.version) return refused(412, 'it was changed since');
      Object.assign(server, changed, { version: version + 1 });
      return ok(server);
    }),
  'POST servers/ID/VERB': (model, { id, verb }) =>
    of(model.servers.get(id), (server) =>
      model.change(server, z.enum(['start', 'stop', 'suspend']).parse(verb))
        ? ok(server)
        : refused(423, `it is ${server.status}`),
    ),
  'GET servers/ID/VERB': (model, { id }) => of(model.servers.get(id), ({ name }) => ok(`booting ${name}\nready\n`)),
  'DELETE servers/ID': (model, { id }) =>
    of(model.servers.get(id), (server) => {
      model.remove(server);
      return ok(null);
    }),
  'GET notes/ID': (model, { id }) => (model.notes.has(id) ? ok(null) : refused(404, 'no note')),
  'PUT notes/ID': (model, { id }) => {
    model.notes.add(id);
    return ok(null);
  },
  'GET images': (model, { name }) =>
    ok([...model.images.values()].filter((image) => name === null || image.name === name)),
  'POST images': (model, _, body) => {
    const { name, tags: written, server } = newImage.parse(body);
    return of(model.servers.get(server), (source) => {
      if (source.status !== 'stopped') return refused(423, `it is ${source.status}`);
      model.begin(name, written, source);
      return { status: 202, body: null };
    });
  },
  'PUT images/ID/VERB': (model, { id }) =>
    of(model.images.get(id), (image) => {
      image.deprecated = true;
      return ok(null);
    }),
  'DELETE images/ID': (model, { id }) =>
    of(model.images.get(id), ({ status }) => {
      if (status === 'pending') return refused(423, 'it is being made');
      model.images.delete(id);
      return ok(null);
    }),
};

export async function startPaperServer(options: PaperOptions = {}): Promise<PaperCloudServer> {
  const model = new PaperModel(options);
  const calls: string[] = [];
  const faults: PaperFault[] = [];
  const hooks = new Map<string, () => Promise<void>>();
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://paper');
    const [kind = '', id = '', verb = ''] = pathname.slice(1).split('/');
    const operation = `${request.method} ${kind}${id === '' ? '' : '/ID'}${verb === '' ? '' : '/VERB'}`;
    calls.push(operation);
    const fault = faults.find((one) => one.operation === operation && one.times > 0);
    if (fault !== undefined) fault.times -= 1;
    const body = ['POST', 'PATCH'].includes(request.method ?? '') ? await json(request).catch(() => ({})) : undefined;
    if (fault?.what === 'before') return void response.destroy();
    await hooks.get(operation)?.();
    const { status, body: text } =
      typeof fault?.what === 'object'
        ? refused(fault.what.status, fault.what.error)
        : play(operation, { id, verb, name: searchParams.get('name') }, body);
    if (fault?.what === 'after') return void response.destroy();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(text));
  };
  const play = (operation: string, ids: Parameters<Route>[1], body: unknown): Answer => {
    try {
      return ROUTES[operation]?.(model, ids, body) ?? refused(404, `no operation ${operation}`);
    } catch (error) {
      return refused(400, error instanceof Error ? error.message : 'malformed');
    }
  };
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ endpoint: `http://127.0.0.1:${port}`, model, calls, faults, hooks },
    close: async () => {
      model.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function of<Found>(found: Found | undefined, then: (found: Found) => Answer): Answer {
  return found === undefined ? refused(404, 'there is no such thing') : then(found);
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function refused(status: number, error: string): Answer {
  return { status, body: { error } };
}
