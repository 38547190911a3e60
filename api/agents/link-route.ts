/** The link of an agent that reports over HTTP: streams into its machine, over a WebSocket that the agent opens when asked. */
import type { Settings } from '../../config/settings.ts';
import { REMOTE_ACCESS } from '../../domain/vm/spec.ts';
import type { VmView } from '../../domain/vm/view.ts';
import type { ApiContext } from '../api-context.ts';
import { tokenRefused } from '../http/errors/problem.ts';
import { openRoute } from '../http/route.ts';
import { requireWebSocket } from '../http/require-web-socket.ts';
import { isDown } from './answer-report.ts';
import { currentView } from './current-view.ts';
import { isPlainConnection } from './plain-connection.ts';
import { isOfWaiting } from './waiting-machine.ts';

export const linkRoute = openRoute({
  method: 'get',
  path: '/v1/agent/link',
  operationId: 'openAgentLink',
  tag: 'Agents',
  summary: 'Carry streams into a machine',
  description:
    'A WebSocket that an agent opens once an answer to its report says `streams`. The machine comes from the token alone; a newer ' +
    'connection of it takes the place of this one. Text messages are the lines of an agent link: frames of streams both ways, and of ' +
    'the agent `{"type":"token","token":"…"}` with each newer token. It is closed with 4401 once the token is not good any more.',
  access: 'agent',
  mutates: false,
  webSocket: true,
  replies: { 101: { description: 'Streams may be opened.' } },
  errors: ['upgradeRequired', 'tokenRefused', 'rateLimited', 'temporalUnavailable'],
  handle: async (request, api) => {
    const claims = await claimsOf(api, request.bearer, request.remoteAddress);
    requireWebSocket(request);
    return {
      status: 101,
      webSocket: (webSocket) => {
        if (webSocket !== undefined) api.agentLinks.add(webSocket, claims, request.gone);
      },
    };
  },
});

/** @throws ApiProblem unless the token is one of now, for a machine that streams go to. */
async function claimsOf(api: ApiContext, bearer: string | undefined, remoteAddress: string) {
  const now = api.now();
  // An expired one is good for a report, whose answer brings another.
  const claims = api.agentTokens.verify('report', bearer, now);
  if (claims === undefined) throw tokenRefused('The report token is missing or not valid');
  api.reportLimit.take(claims.machineId, now);
  if (isOfWaiting(claims)) throw tokenRefused('The machine waits for its VM: nobody reaches it');
  const view = await currentView(api, claims, now);
  if (takesStreams(api.settings.api, view, remoteAddress)) return claims;
  throw tokenRefused('Nothing of this VM is reached through its agent now');
}

/**
 * Whether streams go to the machine of a VM over a connection of its agent from `remoteAddress`: commands may hold secrets. An agent
 * that reports for the first time is ahead of what this replica knows of its VM, and the link waits for those who may open streams.
 */
export function takesStreams(api: Settings['api'], view: VmView, remoteAddress: string): boolean {
  const { remoteAccess = REMOTE_ACCESS } = view.spec;
  return remoteAccess.length > 0 && !isDown(view) && !isPlainConnection(api, remoteAddress);
}
