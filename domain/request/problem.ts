import { API_ERROR, todoText, type ApiErrorCode } from '../error-codes.ts';
import type { RequestProblem } from './state.ts';

/** A problem as an answer of the API says it: what was wrong, then what to do next. */
export function requestProblem(code: ApiErrorCode, text: string, named?: string): RequestProblem {
  const { title, status, todo } = API_ERROR[code];
  return { code, status, title, detail: `${text.replace(/[.\s]*$/, '')}. ${todoText(todo, named)}` };
}
