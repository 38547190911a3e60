/** The agents that are connected to this replica, each with one link, which ends with the right of its machine to it. */
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { LINK_CLOSE } from '../../domain/agent/link-messages.ts';
import type { AgentTokenClaims, AgentTokens } from '../../security/agents/agent-tokens.ts';
import type { Projection } from '../projection/projection.ts';
import { hasEnded } from '../vms/seen/vm-record.ts';
import { AgentLink } from './agent-link.ts';

/** A machine that is not the current one of a live VM any more is cut off after so long at most, and a poll of the projection. */
const CHECK_MS = 2000;

export interface AgentLinksOptions {
  projection: Pick<Projection, 'get'>;
  agentTokens: Pick<AgentTokens, 'verify'>;
  /** Epoch ms. */
  now: () => number;
  log: Logger;
}

export class AgentLinks {
  readonly #options: AgentLinksOptions;
  readonly #links = new Map<string, AgentLink>();

  constructor(options: AgentLinksOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#links.size;
  }

  /** Ends the links of machines that have no right to one any more, until the returned function is called. */
  follow(): () => void {
    const timer = setInterval(() => this.check(), CHECK_MS).unref();
    return () => clearInterval(timer);
  }

  /** Takes the connection of an agent, in the place of an earlier one of its machine, until `gone` aborts. */
  add(webSocket: WebSocket, claims: AgentTokenClaims, gone: AbortSignal): void {
    const { machineId } = claims;
    const { agentTokens, now, log } = this.#options;
    this.#links.get(machineId)?.close(LINK_CLOSE.replaced, 'the agent connected again');
    const close = (): void => link.close(LINK_CLOSE.closing, 'the API closes');
    const link = new AgentLink({
      ...{ webSocket, claims, now: now(), log },
      verify: (token) => agentTokens.verify('report', token, now()),
      onClose: () => {
        gone.removeEventListener('abort', close);
        if (this.#links.get(machineId) === link) this.#links.delete(machineId);
      },
    });
    this.#links.set(machineId, link);
    gone.addEventListener('abort', close, { once: true });
    if (gone.aborted) close();
  }

  /** The link to a machine of this owner, or undefined where there is none here that is good. */
  linkOf({ machineId, owner }: { machineId: string; owner: string }): AgentLink | undefined {
    const link = this.#links.get(machineId);
    return link?.claims.workflowId === owner && this.#isGood(link) ? link : undefined;
  }

  check(): void {
    for (const link of this.#links.values()) {
      if (!this.#isGood(link)) link.close(LINK_CLOSE.tokenEnded, 'the token of the machine is not good any more');
    }
  }

  /** As {@link currentView} judges a report, by what this replica knows; a VM that it does not know yet was asked of Temporal. */
  #isGood({ claims, since, isOpen }: AgentLink): boolean {
    const { projection, now } = this.#options;
    if (!isOpen || claims.expiresAt <= now()) return false;
    const record = projection.get(claims.workflowId);
    if (record === undefined) return now() - since < UNKNOWN_MS;
    const { view } = record;
    if (view.machineId !== claims.machineId || record.closed || hasEnded(view)) return false;
    return view.resetAt === undefined || claims.issuedAt >= Date.parse(view.resetAt);
  }
}

/** A replica that knows nothing of a VM for so long, though it lists them all, knows that it is gone. */
const UNKNOWN_MS = 60_000;
