import { isoTime } from '../iso-time.ts';
import { plainInMarkdown } from '../plain-in-markdown.ts';
import type {
  AcceptedRequest,
  EndedRequest,
  RequestProblem,
  RequestQueue,
  RequestResult,
  WaitingRequest,
} from './state.ts';

export const REQUEST_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** A request as it is shown; times as RFC 3339. */
export interface RequestView {
  id: string;
  operation: string;
  createdBy: string;
  fingerprint: string;
  state: RequestState;
  /** Requests that are done before it, while it is queued. */
  position?: number;
  /** Why its latest try was put off. */
  waitsFor?: string;
  acceptedAt: string;
  expiresAt: string;
  startedAt?: string;
  endedAt?: string;
  result?: RequestResult;
  problem?: RequestProblem;
}

/** What leaves the workflow: JSON only, without anything that is sealed. */
export interface RequestQueueView {
  project: string;
  name: string;
  /** Those that ended, oldest first, then those that wait, in their order. */
  requests: RequestView[];
  /** What is sealed of those that wait. */
  sealedCharacters: number;
  updatedAt: string;
}

export function requestQueueView(queue: RequestQueue): RequestQueueView {
  const { project, name, waiting, ended, updatedAt } = queue;
  return {
    ...{ project, name },
    requests: [...ended.map(endedView), ...waiting.map((request, index) => waitingView(queue, request, index))],
    sealedCharacters: waiting.reduce((sum, { sealed }) => sum + sealed.length, 0),
    updatedAt: isoTime(updatedAt),
  };
}

/** A request as it is before its workflow has seen it. */
export function acceptedView(request: AcceptedRequest, position?: number): RequestView {
  return { ...common(request), state: 'queued', ...(position === undefined ? {} : { position }) };
}

function waitingView({ running }: RequestQueue, request: WaitingRequest, index: number): RequestView {
  const { putOff } = request;
  if (running?.id === request.id) return { ...common(request), state: 'running', startedAt: isoTime(running.since) };
  return {
    ...{ ...common(request), state: 'queued', position: index },
    ...(putOff === null ? {} : { waitsFor: `${putOff.code}: ${putOff.detail}` }),
  };
}

function endedView(request: EndedRequest): RequestView {
  const { state, startedAt, endedAt, result, problem } = request;
  return {
    ...{ ...common(request), state, endedAt: isoTime(endedAt) },
    ...(startedAt === null ? {} : { startedAt: isoTime(startedAt) }),
    ...(result === null ? {} : { result }),
    ...(problem === null ? {} : { problem }),
  };
}

function common({ id, operation, createdBy, fingerprint, acceptedAt, expiresAt }: AcceptedRequest | EndedRequest) {
  return { id, operation, createdBy, fingerprint, acceptedAt: isoTime(acceptedAt), expiresAt: isoTime(expiresAt) };
}

/** What a person who opens the workflow in the Temporal Web UI reads first. Markdown. */
export function requestQueueDetails({ project, name, requests }: RequestQueueView): string {
  const rows = requests.map(({ id, operation, state, waitsFor, problem }) => {
    const why = waitsFor ?? problem?.code;
    return `- ${plainInMarkdown(id)}: ${plainInMarkdown(operation)}, ${state}${why === undefined ? '' : `: ${plainInMarkdown(why)}`}`;
  });
  return [`Requests for **${name}** of project ${project}, done in this order`, rows.join('\n')].join('\n\n');
}
