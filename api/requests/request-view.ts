import type { RequestView } from '../../domain/request/view.ts';
import type { ApiRequest } from '../schemas/request.ts';

/** A request as the API answers it. */
export function apiRequest(project: string, view: RequestView): ApiRequest {
  const { id, operation, createdBy, state, position, waitsFor, problem, result } = view;
  const { acceptedAt, expiresAt, startedAt, endedAt } = view;
  return {
    ...{ id, name: nameOfRequest(id), project, operation, state, createdBy },
    ...(position === undefined ? {} : { position }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
    ...{ acceptedAt, expiresAt },
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(result === undefined ? {} : { result }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** The name whose requests it is among: the part of its id before the dot. */
export function nameOfRequest(id: string): string {
  return id.split('.')[0] ?? id;
}

export function requestPath(id: string): string {
  return `/v1/requests/${id}`;
}
