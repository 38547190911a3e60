/**
 * A route says everything about itself in one place: the schemas that validate its input, every reply and error
 * it may give, and the handler. The router mounts it, the OpenAPI document is generated from it.
 */
import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { z } from 'zod';
import type { ApiKeyHolder } from '../../security/keys/api-keys.ts';
import type { Role } from '../../security/keys/keys-file.ts';
import type { ApiErrorCode } from '../../domain/error-codes.ts';
import type { RequestResult } from '../../domain/request/state.ts';
import type { ApiContext } from '../api-context.ts';
import type { BrowserRequest } from '../browser/browser-request.ts';
import { ApiProblem } from './errors/problem.ts';

/** Who may call: anyone, a key of at least this role, or an agent with its token. */
export type Access = 'public' | Role | 'agent';

/** What a handler answers. `json` is a body that is serialised already. */
export interface Reply {
  status: number;
  body?: unknown;
  json?: string;
  content?: { type: string; data: string | Uint8Array };
  headers?: Record<string, string>;
  /** Writes the body and ends the answer; what it throws cuts the connection. */
  stream?: (response: Writable) => Promise<void>;
  /** The stream ends with its reader; a HEAD asks for none. */
  isEndless?: true;
  /** Instead of an answer: what becomes of the WebSocket, of a route that has `webSocket`. Undefined: it was not made. */
  webSocket?: (webSocket: WebSocket | undefined) => void;
  /** The VM it is about, for the log. */
  about?: { workflowId: string; runId: string };
}

/** How a reply is documented. Without a `contentType` it is JSON of `schema`. */
export interface ReplyText {
  description: string;
  schema?: z.ZodType;
  contentType?: string;
  /** What it may be instead, told apart by its content type. */
  instead?: { contentType: string; schema: z.ZodType };
  headers?: Record<string, string>;
}

export interface RouteRequest<P, Q, H, B> {
  params: P;
  query: Q;
  headers: H;
  body: B;
  requestId: string;
  /** The token of the Authorization header. */
  bearer: string | undefined;
  remoteAddress: string;
  /** What a browser says of it. */
  browser: BrowserRequest;
  /** Of the session that it came in by; undefined: it came with a key, or without any. Epoch ms. */
  sessionExpiresAt: number | undefined;
  /** Says what the audit log names as the target; by default what the path names. Nothing secret. */
  auditTarget: (target: Record<string, string>) => void;
  /** Aborts when the client hung up or the API closes: nobody waits for the answer any more. */
  gone: AbortSignal;
  /** Of a route that has `webSocket`: it can be answered with one. */
  asksForWebSocket?: boolean;
  /** The body as it comes, of a route that has `content`. */
  content?: IncomingMessage;
  /** What tells its acceptance from every other, the same at each try; absent where it is done at once. */
  acceptedAs?: string;
}

/** A request with a valid key; `project` is the key's, nothing in a request can name another. */
export type KeyedRequest<P, Q, H, B> = RouteRequest<P, Q, H, B> & { caller: ApiKeyHolder; project: string };

/** What a request that is done later makes beside its VM. */
export type MadeForLater = NonNullable<RequestResult['image']>;

/** How a request is done later, for callers that ask so with `Prefer: respond-async`. */
interface Later<Request> {
  /** Refuses what can be refused before it is done. Resolves with the name that it is for. @throws ApiProblem. */
  accept: (request: Request, api: ApiContext) => Promise<string>;
  /** What it waits for by the parameter of this name. */
  wait?: 'ready' | 'destroyed';
  /**
   * The image that it made, whatever has become of the VM since; undefined: there is none. @throws ApiProblem that says why
   * it was not made.
   */
  made?: (request: Request, api: ApiContext) => Promise<MadeForLater | undefined>;
  /** Whether a VM that came to rest is what was asked for; absent: whatever it is. */
  isDone?: (rest: { state: string; reason?: string | undefined; closed: boolean }) => boolean;
}

interface RouteText {
  method: 'get' | 'post' | 'put' | 'delete';
  /** OpenAPI form: `/v1/vms/{name}`. */
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  /** Whether a caller changes something by it, so that it is audited; by default all but GET does. */
  mutates?: boolean;
  /** Its handler counts callers that prove nothing, so that no flood of them shuts out one that does. */
  limitsItself?: true;
  /** Looks at a caller before its body is read. @throws ApiProblem for whoever has to stay outside. */
  admits?: (caller: { bearer: string | undefined; remoteAddress: string }, api: ApiContext) => void;
  /** Its answer is a WebSocket; its handler refuses who does not ask for one. */
  webSocket?: true;
  /** The type of a body that is no JSON, and is read as it comes. */
  content?: { type: string; description: string };
  replies: Record<number, ReplyText>;
  /** Codes of this route itself; those of authentication and validation are added by what it declares. */
  errors: readonly ApiErrorCode[];
}

interface RouteSchemas<P, Q, H, B> {
  params?: P;
  query?: Q;
  headers?: H;
  body?: B;
}

export interface Route extends RouteText, RouteSchemas<z.ZodType, z.ZodType, z.ZodType, z.ZodType> {
  access: Access;
  later?: Later<UncheckedRequest>;
  /** `input` holds what the schemas made of the request. */
  handle: (input: UncheckedRequest, api: ApiContext) => Promise<Reply>;
}

/** A request after validation, with its types forgotten. */
export type UncheckedRequest = RouteRequest<unknown, unknown, unknown, unknown> & { caller: ApiKeyHolder | undefined };

/** Declares a route for holders of an API key of at least the role `access`. */
export function keyedRoute<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  H extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  route: RouteText &
    RouteSchemas<P, Q, H, B> & {
      access: Role;
      later?: Later<KeyedRequest<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>>;
      handle: (
        request: KeyedRequest<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>,
        api: ApiContext,
      ) => Promise<Reply>;
    },
): Route {
  const { later, ...rest } = route;
  const keyed = (input: UncheckedRequest) => {
    if (input.caller === undefined) throw new ApiProblem('unauthenticated', 'The request has no key');
    const request = { ...input, caller: input.caller, project: input.caller.project };
    return request as KeyedRequest<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>;
  };
  return {
    ...rest,
    ...(later === undefined ? {} : { later: laterOf(later, keyed) }),
    handle: (input, api) => route.handle(keyed(input), api),
  };
}

function laterOf<Request>(
  { accept, made, ...later }: Later<Request>,
  keyed: (input: UncheckedRequest) => Request,
): Later<UncheckedRequest> {
  return {
    ...later,
    accept: (input, api) => accept(keyed(input), api),
    ...(made === undefined ? {} : { made: (input, api) => made(keyed(input), api) }),
  };
}

/** Declares a route that needs no API key. */
export function openRoute<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  H extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  route: RouteText &
    RouteSchemas<P, Q, H, B> & {
      access: 'public' | 'agent';
      handle: (
        request: RouteRequest<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>,
        api: ApiContext,
      ) => Promise<Reply>;
    },
): Route {
  return {
    ...route,
    handle: (input, api) =>
      route.handle(input as RouteRequest<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>, api),
  };
}
