import { CHANNEL } from '../../domain/agent/streams/requests.ts';
import { keyedRoute } from '../http/route.ts';
import { portPathSchema, streamQuerySchema } from '../schemas/streams.ts';
import { joinClient, type ClientCodec } from './client-stream.ts';
import { openStream, reachableVm, STREAM_ERRORS } from './open-stream.ts';
import { requireWebSocket } from '../http/require-web-socket.ts';

/** Binary messages are bytes, however they are cut; `end` is a half-closed connection. */
const BYTES: ClientCodec = {
  toClient: (bytes, channel) => (channel === CHANNEL.data ? bytes : undefined),
  fromClient: (bytes) => ({ bytes, channel: CHANNEL.data }),
  endsWithVm: false,
};

export const portRoute = keyedRoute({
  method: 'get',
  path: '/v1/vms/{name}/ports/{port}',
  operationId: 'forwardPort',
  tag: 'Access',
  summary: 'Connect to a TCP port in a VM',
  description:
    'A WebSocket. Binary messages carry bytes both ways, cut anywhere. The text message `{"type":"end"}` says that its ' +
    'sender sends nothing more, and may still read. `{"type":"error","code":"…","detail":"…"}` comes before a close that is ' +
    'no end of the connection. The port is one on the loopback of the VM, through its agent, whatever its address and its ' +
    'network are (docs/access.md).',
  access: 'operator',
  mutates: true,
  webSocket: true,
  params: portPathSchema,
  query: streamQuerySchema,
  replies: { 101: { description: 'The connection is made.' } },
  errors: ['upgradeRequired', 'portRefused', ...STREAM_ERRORS],
  handle: async (request, api) => {
    const { project, params, query, gone } = request;
    const record = await reachableVm(api, project, params.name, 'ports');
    requireWebSocket(request);
    const { countsAsConnection = false } = query;
    const wanted = { kind: 'port', port: Number(params.port), countsAsConnection } as const;
    const host = await openStream(api, record, wanted, gone);
    const { workflowId, runId } = record;
    return {
      status: 101,
      about: { workflowId, runId },
      webSocket: (client) => (client === undefined ? host.cancel() : joinClient(client, host, BYTES, gone)),
    };
  },
});
