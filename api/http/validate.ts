import { z } from 'zod';
import { ApiProblem } from './errors/problem.ts';

const SHOWN_ISSUES = 8;
const MAX_FIELDS = 20;
/** Paths and messages may quote names that the caller made up. */
const MAX_ISSUE_CHARACTERS = 300;

/** The parsed value. @throws ApiProblem `invalidRequest` that names every wrong field (never its value). */
export function validate<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const named = wrongFields(parsed.error, where);
  const members = { fields: wrongFieldsWithProblems(parsed.error, where) };
  throw new ApiProblem('invalidRequest', issuesText(parsed.error, where), { named, members });
}

function issuesText(error: z.ZodError, where: string): string {
  const texts = error.issues
    .slice(0, SHOWN_ISSUES)
    .map(({ path, message }) => shortened(`${[where, ...path.map(String)].join('.')}: ${message}`));
  const hidden = error.issues.length - texts.length;
  return texts.join('; ') + (hidden > 0 ? `; and ${hidden} more` : '');
}

/** Each field to correct with what is wrong with it, for programs. */
function wrongFieldsWithProblems(error: z.ZodError, where: string): { field: string; problem: string }[] {
  const found = error.issues.flatMap((issue) => {
    // The message of an issue with several unknown fields names all of them.
    const problem = issue.code === 'unrecognized_keys' ? 'is not known' : shortened(issue.message);
    return fieldsOf(issue, where).map((field) => ({ field: shortened(field), problem }));
  });
  return found.slice(0, MAX_FIELDS);
}

/** The first fields to correct, each once. */
function wrongFields(error: z.ZodError, where: string): string {
  const fields = error.issues.slice(0, SHOWN_ISSUES).flatMap((issue) => fieldsOf(issue, where).slice(0, SHOWN_ISSUES));
  const [last = where, ...others] = [...new Set(fields)].slice(0, SHOWN_ISSUES).reverse().map(shortened);
  return others.length === 0 ? last : `${others.reverse().join(', ')} and ${last}`;
}

/** The field of an issue, or the first of those that are not known. */
function fieldsOf(issue: z.core.$ZodIssue, where: string): string[] {
  const path = [where, ...issue.path.map(String)];
  const keys = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, MAX_FIELDS) : undefined;
  return keys === undefined ? [path.join('.')] : keys.map((key) => [...path, key].join('.'));
}

function shortened(text: string): string {
  return text.length <= MAX_ISSUE_CHARACTERS ? text : `${text.slice(0, MAX_ISSUE_CHARACTERS)}…`;
}

/**
 * Schemas drop a field named `__proto__` without a word; here it is refused like every other unknown one. `value` has
 * passed its schema, so it is no deeper than that. @throws ApiProblem `invalidRequest`.
 */
export function refusePrototypes(value: unknown, where: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto__')) {
    throw new ApiProblem('invalidRequest', `${where}: __proto__ is no name of a field`);
  }
  for (const [name, inner] of Object.entries(value)) refusePrototypes(inner, `${where}.${name}`);
}

const QUERY_TYPES = new WeakMap<z.ZodType, Record<string, string>>();

/** Gives query strings the types that the schema asks for, where the text is exactly one of that type. */
export function typedQuery(schema: z.ZodType, query: URLSearchParams): Record<string, unknown> {
  const types = queryTypes(schema);
  const typed: [string, unknown][] = [];
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    const [first] = values;
    if (types[name] === 'array') typed.push([name, values]);
    else if (values.length > 1 || first === undefined) typed.push([name, values]);
    else typed.push([name, typedText(types[name], first)]);
  }
  return Object.fromEntries(typed);
}

function typedText(type: string | undefined, text: string): unknown {
  if (type === 'integer' && /^(0|-?[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function queryTypes(schema: z.ZodType): Record<string, string> {
  const known = QUERY_TYPES.get(schema);
  if (known) return known;
  const { properties } = z.toJSONSchema(schema, { io: 'input' });
  const types: Record<string, string> = {};
  for (const [name, property] of Object.entries(properties ?? {})) {
    if (typeof property === 'object' && typeof property.type === 'string') types[name] = property.type;
  }
  QUERY_TYPES.set(schema, types);
  return types;
}
