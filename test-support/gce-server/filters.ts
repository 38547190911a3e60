/** The part of Google's filter expressions that is in use: `a = "b"`, `a != b`, `a eq "regex"`, joined by AND. */
import { ApiError } from './api-error.ts';

type Test = (item: unknown) => boolean;

/** The test of a filter expression. @throws ApiError 400 for one that is malformed. */
export function parseFilter(expression: string | null): Test {
  if (expression === null || expression === '') return () => true;
  const tests = expression.split(/\s+AND\s+|\)\s*\(/).map((part) => parseTerm(part.replaceAll(/^\(|\)$/g, '').trim()));
  return (item) => tests.every((test) => test(item));
}

function parseTerm(term: string): Test {
  const match = /^([A-Za-z][\w.-]*)\s*(=|!=|\beq\b|\bne\b)\s*(?:"([^"]*)"|([^\s"]+))$/.exec(term);
  if (match === null) throw new ApiError(400, 'invalid', `Invalid list filter expression: ${term}`);
  const [, field = '', operator, quoted, bare] = match;
  const wanted = quoted ?? bare ?? '';
  const isRegex = operator === 'eq' || operator === 'ne';
  const pattern = isRegex ? new RegExp(`^(?:${wanted})$`) : undefined;
  const negated = operator === '!=' || operator === 'ne';
  return (item) => {
    const value = valueAt(item, field.split('.'));
    const matches = value !== undefined && (pattern ? pattern.test(value) : value === wanted);
    return matches !== negated;
  };
}

function valueAt(item: unknown, path: string[]): string | undefined {
  let value = item;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : undefined;
}
