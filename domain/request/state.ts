/**
 * The requests for one name that are to be done later, in their order. JSON only; times are epoch ms. What was asked for is
 * sealed: neither this nor a history can read or make it.
 */

/** As many wait for one name at most. */
export const MOST_WAITING = 20;
/** What waits for one name has so many characters at most: all of it has to fit into one message of Temporal. */
export const MOST_SEALED_CHARACTERS = 1_000_000;
/** As many are known after their end, the newest, */
export const ENDED_KEPT = 20;
/** and for so long. */
export const ENDED_KEPT_SECONDS = 24 * 3600;
/** Between two tries of a request that cannot be done now: doubled from the first to the last. */
export const AGAIN_SECONDS = { first: 1, last: 30 } as const;

/** What the API wrote down of a request when it accepted it. */
export interface AcceptedRequest {
  id: string;
  /** The operation in the OpenAPI document. */
  operation: string;
  /** Id of the API key that asked. */
  createdBy: string;
  /** The whole request, for the API alone to open. */
  sealed: string;
  /** Equal for equal requests; says nothing about them. */
  fingerprint: string;
  acceptedAt: number;
  /** A request that has not begun by then is given up. */
  expiresAt: number;
}

/** Why a request did not do what it asked for, as an answer of the API says it. */
export interface RequestProblem {
  code: string;
  status: number;
  title: string;
  detail: string;
}

export interface WaitingRequest extends AcceptedRequest {
  /** Tries that found that it cannot be done now. */
  tries: number;
  /** Not before; null: as soon as it is the first. */
  notBefore: number | null;
  /** Why its latest try was put off. */
  putOff: RequestProblem | null;
  /** The life of the name that its tries are about: '' for none; absent while none of them found out. */
  life?: string;
}

/** What came of a request that was done: the VM as it was then. */
export interface RequestResult {
  /** Status of the answer that the request would have got at once. */
  status: number;
  vm: { name: string; uid: string; state: string } | null;
  /** The image that it made; absent where it makes none. */
  image?: { name: string; imageId: string };
}

export type RequestOutcome =
  | { kind: 'done'; result: RequestResult }
  | { kind: 'failed'; problem: RequestProblem }
  /** It cannot be done now, or nobody knows whether it was; `life`: what the next try is about, as in {@link WaitingRequest}. */
  | { kind: 'putOff'; problem: RequestProblem; life?: string };

export interface EndedRequest extends Omit<AcceptedRequest, 'sealed'> {
  state: 'done' | 'failed' | 'cancelled';
  startedAt: number | null;
  endedAt: number;
  result: RequestResult | null;
  problem: RequestProblem | null;
}

export interface RequestQueue {
  project: string;
  name: string;
  /** A request came; before that an empty queue is not over. */
  begun: boolean;
  /** In their order; the first one may be under way. */
  waiting: WaitingRequest[];
  /** The first of those, while it is being done. */
  running: { id: string; since: number } | null;
  /** Oldest first. */
  ended: EndedRequest[];
  updatedAt: number;
}

export function newRequestQueue({ project, name, at }: { project: string; name: string; at: number }): RequestQueue {
  return { project, name, begun: false, waiting: [], running: null, ended: [], updatedAt: at };
}

/** Whether one more of so many characters would be too much. */
export function isFull(waiting: readonly Pick<AcceptedRequest, 'sealed'>[], sealedCharacters: number): boolean {
  const characters = waiting.reduce((sum, { sealed }) => sum + sealed.length, sealedCharacters);
  return waiting.length >= MOST_WAITING || characters > MOST_SEALED_CHARACTERS;
}
