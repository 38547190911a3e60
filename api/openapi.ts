/** The OpenAPI 3.1 document, made from the same routes and schemas that serve the requests. */
import { z } from 'zod';
import { API_ERROR, type ApiErrorCode } from '../domain/error-codes.ts';
import type { ReplyText, Route } from './http/route.ts';
import { PROBLEM_CONTENT_TYPE } from './http/errors/problem.ts';
import { vmSchema } from './schemas/vm.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
interface JsonObject {
  [key: string]: Json;
}

export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Where the code is explained.' }),
    title: z.string().describe('What the code means, the same for every answer with it.'),
    status: z.int().describe('The HTTP status of the answer.'),
    detail: z.string().meta({ description: 'What was wrong, and what to do next.' }),
    code: z
      .enum(Object.keys(API_ERROR) as [ApiErrorCode, ...ApiErrorCode[]])
      .describe('What programs tell problems apart by. Each is explained at /docs/errors.'),
    requestId: z.string().describe('Names this request in the logs.'),
    fields: z
      .array(
        z.object({
          field: z.string().describe('The field: `body.spec.cpus`.'),
          problem: z.string().describe('What is wrong with it.'),
        }),
      )
      .optional()
      .describe('With `invalidRequest`, where the request does not fit its schema: each field to correct.'),
    vm: vmSchema.optional().meta({
      description:
        'With `endedBeforeReady`: the VM as it ended. With `vmEnding` and `otherLife`: the VM that has the name.',
    }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });

const REQUEST_ID_HEADER = {
  'X-Request-Id': { description: 'Names this request in logs.', schema: { type: 'string' } },
};

/** The document for a set of routes. */
export function openApiDocument(routes: readonly Route[], version: string): JsonObject {
  const components = new Components();
  const paths: JsonObject = {};
  for (const route of routes) {
    const path = (paths[route.path] ?? {}) as JsonObject;
    path[route.method] = operation(route, components);
    paths[route.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ephemera',
      version,
      description: 'Gives every session its own virtual machine and takes it away when nobody uses it any more.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key; it is bound to a project and a role.' },
        agentToken: { type: 'http', scheme: 'bearer', description: 'A report token from /v1/agent/exchange.' },
      },
      schemas: components.schemas,
    },
  };
}

function operation(route: Route, components: Components): JsonObject {
  const { operationId, summary, description, tag } = route;
  return {
    operationId,
    summary,
    tags: [tag],
    ...(description === undefined ? {} : { description }),
    ...security(route),
    parameters: [
      ...parameters(route.params, 'path', components),
      ...parameters(route.query, 'query', components),
      ...parameters(route.headers, 'header', components),
    ],
    ...(route.content === undefined ? {} : { requestBody: contentBody(route.content) }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: components.schema(route.body, 'input') } },
          },
        }),
    responses: responses(route, components),
  };
}

function contentBody({ type, description }: NonNullable<Route['content']>): JsonObject {
  return { required: true, description, content: { [type]: { schema: { type: 'string', format: 'binary' } } } };
}

function security(route: Route): JsonObject {
  switch (route.access) {
    case 'public':
      return { security: [] };
    case 'agent':
      return { security: [{ agentToken: [] }] };
    case 'viewer':
    case 'operator':
    case 'admin':
      return { security: [{ apiKey: [] }], 'x-role': route.access };
  }
}

function parameters(schema: z.ZodType | undefined, where: 'path' | 'query' | 'header', components: Components): Json[] {
  if (schema === undefined) return [];
  const { properties, required } = components.schema(schema, 'input') as {
    properties: JsonObject;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...type } = property as JsonObject;
    return {
      name: where === 'header' ? headerName(name) : name,
      in: where,
      required: where === 'path' || (required ?? []).includes(name),
      ...(description === undefined ? {} : { description }),
      schema: type,
      ...(type['type'] === 'array' ? { style: 'form', explode: true } : {}),
    };
  });
}

function headerName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
}

function responses(route: Route, components: Components): JsonObject {
  const found: JsonObject = {};
  for (const [status, reply] of Object.entries(route.replies)) {
    const schema = reply.schema && components.schema(reply.schema, 'output');
    found[status] = {
      description: reply.description,
      headers: { ...REQUEST_ID_HEADER, ...headers(reply.headers) },
      ...(schema === undefined ? {} : { content: { ...contentOf(reply, schema), ...insteadOf(reply, components) } }),
    };
  }
  const codes = new Set<ApiErrorCode>([...route.errors, ...impliedErrors(route)]);
  for (const status of new Set([...codes].map((code) => API_ERROR[code].status))) {
    const ofStatus = [...codes].filter((code) => API_ERROR[code].status === status);
    found[String(status)] = {
      description: ofStatus.map((code) => `\`${code}\`: ${API_ERROR[code].title}.`).join(' '),
      headers: { ...REQUEST_ID_HEADER, ...headers(errorHeaders(status, ofStatus)) },
      content: { [PROBLEM_CONTENT_TYPE]: { schema: components.schema(problemSchema, 'output') } },
    };
  }
  return found;
}

function contentOf({ contentType = 'application/json' }: ReplyText, schema: JsonObject): JsonObject {
  return { [contentType]: { schema } };
}

function insteadOf({ instead }: ReplyText, components: Components): JsonObject {
  return instead === undefined
    ? {}
    : { [instead.contentType]: { schema: components.schema(instead.schema, 'output') } };
}

/** Codes that follow from what a route declares. */
function impliedErrors(route: Route): ApiErrorCode[] {
  const hasInput = [route.params, route.query, route.headers, route.body].some((schema) => schema !== undefined);
  return [
    ...(route.access === 'public' || route.access === 'agent' ? [] : (['unauthenticated', 'forbidden'] as const)),
    'rateLimited',
    ...(canWait(route) ? (['tooManyWaits'] as const) : []),
    ...(route.body === undefined ? [] : (['malformedBody', 'bodyTooLarge', 'unsupportedMediaType'] as const)),
    ...(hasInput ? (['invalidRequest'] as const) : []),
    'methodNotAllowed',
    'internal',
  ];
}

function canWait({ query }: Route): boolean {
  return query instanceof z.ZodObject && 'wait' in query.shape;
}

function errorHeaders(status: number, codes: readonly ApiErrorCode[]): Record<string, string> {
  if (codes.includes('vmEnding')) return { 'Retry-After': 'With `vmEnding`: seconds to wait.' };
  if (status === 401) return { 'WWW-Authenticate': 'Always `Bearer`.' };
  if (status === 405) return { Allow: 'The methods that the path takes.' };
  if (status === 429 || status === 503) return { 'Retry-After': 'Seconds to wait.' };
  return {};
}

function headers(texts: Record<string, string> | undefined): JsonObject {
  const named = Object.entries(texts ?? {}).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return Object.fromEntries(named) as JsonObject;
}

/** Collects the schemas that have an id, so that the document says each once. */
class Components {
  readonly schemas: JsonObject = {};
  /** Each is converted once: a problem is an answer of every route, and holds a whole VM. */
  readonly #converted = { input: new Map<z.ZodType, JsonObject>(), output: new Map<z.ZodType, JsonObject>() };

  schema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
    const known = this.#converted[io].get(schema);
    if (known !== undefined) return known;
    const root = toJson(schema, io);
    const definitions = Object.entries((root['$defs'] ?? {}) as JsonObject);
    for (const [id, definition] of definitions) this.#define(id, definition as JsonObject);
    const converted = without(root, ['$schema', '$defs']);
    this.#converted[io].set(schema, converted);
    return converted;
  }

  #define(id: string, definition: JsonObject): void {
    this.schemas[id] = without(definition, ['$schema', '$defs', '$id', 'id']);
  }
}

function without(object: JsonObject, keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function toJson(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const text = JSON.stringify(z.toJSONSchema(schema, { io, target: 'draft-2020-12', override: plainer }));
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonObject;
}

/** Leaves out what only says how JavaScript counts, and a pattern beside the format that means the same. */
function plainer({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}
