/** Errors in the shape that Azure Resource Manager answers with. */
export interface ErrorDetail {
  code: string;
  message: string;
  target?: string;
}

/** What an operation ends with. */
export interface OperationError extends ErrorDetail {
  details?: ErrorDetail[];
}

export interface ArmErrorOptions {
  target?: string;
  details?: ErrorDetail[];
  headers?: Readonly<Record<string, string>>;
}

export class ArmError extends Error {
  override readonly name = 'ArmError';
  readonly status: number;
  readonly code: string;
  readonly options: ArmErrorOptions;

  constructor(status: number, code: string, message: string, options: ArmErrorOptions = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.options = options;
  }

  body(): { error: OperationError } {
    const { target, details } = this.options;
    const more = { ...(target === undefined ? {} : { target }), ...(details === undefined ? {} : { details }) };
    return { error: { code: this.code, message: this.message, ...more } };
  }
}

export function invalidParameter(target: string, message: string): ArmError {
  return new ArmError(400, 'InvalidParameter', message, { target });
}

/** Of the path of a request. */
export function resourceNotFound(type: string, names: string, group: string): ArmError {
  const message = `The Resource '${type}/${names}' under resource group '${group}' was not found.`;
  return new ArmError(404, 'ResourceNotFound', message);
}

/** Of a resource that another one names. */
export function referenceNotFound(id: string, by: string): ArmError {
  const message = `Resource ${id} referenced by resource ${by} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`;
  return new ArmError(400, 'InvalidResourceReference', message);
}

export function forbidden(action: string, scope: string): ArmError {
  const message = `The client does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid.`;
  return new ArmError(403, 'AuthorizationFailed', message);
}

export function conflict(message: string): ArmError {
  return new ArmError(409, 'Conflict', message);
}

export function notAllowed(message: string, target?: string): ArmError {
  return new ArmError(409, 'OperationNotAllowed', message, target === undefined ? {} : { target });
}
