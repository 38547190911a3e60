import { ApiProblem } from './errors/problem.ts';

/** @throws ApiProblem `upgradeRequired`. */
export function requireWebSocket({ asksForWebSocket }: { asksForWebSocket?: boolean }): void {
  if (asksForWebSocket === true) return;
  const detail = 'This path answers with a WebSocket, and the request does not ask for one';
  throw new ApiProblem('upgradeRequired', detail, { headers: { upgrade: 'websocket' } });
}
