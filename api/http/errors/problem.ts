import { API_ERROR, todoText, type ApiErrorCode } from '../../../domain/error-codes.ts';

interface ProblemOptions {
  headers?: Record<string, string>;
  members?: Record<string, unknown>;
  /** Absent: the field that the detail begins with. */
  named?: string;
  cause?: unknown;
}

/** How a detail begins that is about one field. */
const FIELD = /^(?:body|query|path|header)(?:\.[\w-]+)*(?=:)/;

/** An answer that is an error: thrown anywhere below a route, turned into problem+json in one place. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: ApiErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  /** Members that the problem document carries besides the fixed ones. */
  readonly members: Readonly<Record<string, unknown>>;
  /** What the next step is about: the fields to correct, the providers there are. */
  readonly named: string;

  constructor(code: ApiErrorCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.named = options.named ?? FIELD.exec(detail)?.[0] ?? 'it';
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }

  get status(): number {
    return API_ERROR[this.code].status;
  }
}

/** The answer to an agent that must stop reporting. */
export function tokenRefused(detail: string): ApiProblem {
  return new ApiProblem('tokenRefused', detail, { headers: { 'www-authenticate': 'Bearer' } });
}

/** The answer where nothing is, and where nobody may know that something is. */
export function nothingServed(): ApiProblem {
  return new ApiProblem('notFound', 'Nothing is served at this path');
}

/** RFC 9457 document. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ApiErrorCode;
  requestId: string;
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** Where a code is explained: a page that this API serves. */
export function problemType(code: ApiErrorCode): string {
  return `/docs/errors#${code}`;
}

/** The document for a problem. `detail` says what was wrong and ends with what to do next. */
export function problemDocument(problem: ApiProblem, requestId: string): ProblemDocument {
  const { title, status, todo } = API_ERROR[problem.code];
  const detail = `${problem.message.replace(/[.\s]*$/, '')}. ${todoText(todo, problem.named)}`;
  return {
    type: problemType(problem.code),
    title,
    status,
    detail,
    code: problem.code,
    requestId,
    ...problem.members,
  };
}
