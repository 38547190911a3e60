/** Errors in the shape that DigitalOcean's API answers with. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, id: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.id = id;
    this.headers = headers;
  }

  body(requestId: string): unknown {
    return { id: this.id, message: this.message, request_id: requestId };
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'bad_request', message);
}

export function unauthorized(): ApiError {
  return new ApiError(401, 'unauthorized', 'Unable to authenticate you.');
}

export function forbidden(message = 'You are not authorized to perform this operation.'): ApiError {
  return new ApiError(403, 'forbidden', message);
}

export function notFound(): ApiError {
  return new ApiError(404, 'not_found', 'The resource you were accessing could not be found.');
}

/** What is well-formed and cannot be; the field at fault is named in the text. */
export function unprocessable(message: string): ApiError {
  return new ApiError(422, 'unprocessable_entity', message);
}

/** An event is under way on that droplet. */
export function pendingEvent(): ApiError {
  return unprocessable('Droplet already has a pending event.');
}
