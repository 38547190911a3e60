/** Errors in the shape that Google's APIs answer with. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  body(): unknown {
    const { status, reason, message } = this;
    return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
  }
}

export function invalidField(field: string, value: unknown, why: string): ApiError {
  const message = `Invalid value for field '${field}': '${String(value)}'. ${why}`;
  return new ApiError(400, 'invalid', message);
}

export function notFound(path: string): ApiError {
  return new ApiError(404, 'notFound', `The resource '${path}' was not found`);
}

export function alreadyExists(path: string): ApiError {
  return new ApiError(409, 'alreadyExists', `The resource '${path}' already exists`);
}

export function notReady(path: string): ApiError {
  return new ApiError(400, 'resourceNotReady', `The resource '${path}' is not ready`);
}

export function permissionDenied(permission: string, path: string): ApiError {
  return new ApiError(403, 'forbidden', `Required '${permission}' permission for '${path}'`);
}
