/** Walks the OpenAPI document: whoever reads nothing else must find every field, choice and default explained. */
import { describe, expect, it } from 'vitest';
import { openApiText, ROUTES } from '../../../api/routes.ts';

interface Schema {
  $ref?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
}
interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: Schema;
}
type Content = Record<string, { schema: Schema }>;
interface Operation {
  operationId: string;
  summary?: string;
  parameters: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { description?: string; content?: Content }>;
}

const document = JSON.parse(openApiText()) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

interface Field {
  /** Where it stands, for whoever has to mend it. */
  at: string;
  schema: Schema;
  description: string;
  /** A caller may leave it out of what he sends. */
  optionalInput: boolean;
}

function resolved(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : { ...document.components.schemas[name], ...schema };
}

/** The values a caller can choose from, or find. */
function choices(schema: Schema): unknown[] {
  const { enum: values, anyOf, oneOf, items, const: only } = resolved(schema);
  if (values !== undefined) return values;
  if (only !== undefined) return [only];
  if (items !== undefined) return choices(items);
  return [...(anyOf ?? []), ...(oneOf ?? [])].flatMap(choices);
}

function fieldsOf(schema: Schema, at: string, isInput: boolean, seen: readonly string[] = []): Field[] {
  if (schema.$ref !== undefined && seen.includes(schema.$ref)) return [];
  const path = schema.$ref === undefined ? seen : [...seen, schema.$ref];
  const { properties, required, items, additionalProperties, anyOf, oneOf } = resolved(schema);
  const inner = [...(anyOf ?? []), ...(oneOf ?? []), ...(items ? [items] : [])];
  if (typeof additionalProperties === 'object') inner.push(additionalProperties);
  return [
    ...Object.entries(properties ?? {}).flatMap(([name, property]) => [
      {
        at: `${at}.${name}`,
        schema: property,
        description: resolved(property).description ?? '',
        optionalInput: isInput && !(required ?? []).includes(name),
      },
      ...fieldsOf(property, `${at}.${name}`, isInput, path),
    ]),
    ...inner.flatMap((one) => fieldsOf(one, at, isInput, path)),
  ];
}

const jsonOf = (content: Content | undefined): Schema[] => Object.values(content ?? {}).map(({ schema }) => schema);

const fields: Field[] = operations.flatMap(({ operationId, parameters, requestBody, responses }) => [
  ...parameters.map(({ name, required, description, schema }) => ({
    at: `${operationId} ?${name}`,
    schema,
    description: description ?? '',
    optionalInput: !required,
  })),
  ...jsonOf(requestBody?.content).flatMap((schema) => fieldsOf(schema, `${operationId} body`, true)),
  ...Object.entries(responses).flatMap(([status, { content }]) =>
    jsonOf(content).flatMap((schema) => fieldsOf(schema, `${operationId} ${status}`, false)),
  ),
]);

const places = (wrong: Field[]): string[] => [...new Set(wrong.map(({ at }) => at.replace(/^\w+ \d+/, 'answer')))];

describe('openapi.json', () => {
  it('says where to look with each answer that comes before what was asked for is there', () => {
    const withoutPlace = ROUTES.flatMap(({ replies, operationId }) => {
      const [, early] = Object.entries(replies).find(([status]) => status === '202') ?? [];
      return early !== undefined && early.headers?.['Location'] === undefined ? [operationId] : [];
    });
    expect(ROUTES.filter(({ replies }) => 202 in replies).length).toBeGreaterThan(15);
    expect(withoutPlace).toEqual([]);
  });

  it('explains every field of what is sent and answered', () => {
    expect(fields.length).toBeGreaterThan(200);
    expect(places(fields.filter(({ description }) => description.length < 8))).toEqual([]);
  });

  it('explains every value that a field may have, where there are several to tell apart', () => {
    const unexplained = fields.filter(({ schema, description }) => {
      const values = choices(schema).filter((value) => typeof value === 'string');
      if (values.length < 2 || description.includes('/docs/errors')) return false;
      return values.some((value) => !description.includes(`\`${value}\``));
    });
    expect(places(unexplained)).toEqual([]);
  });

  it('says what counts when an optional field is left out', () => {
    const silent = fields.filter(({ optionalInput, description }) => optionalInput && !/\bDefault: /.test(description));
    expect(places(silent)).toEqual([]);
  });

  it('says what every route does and what each of its answers means', () => {
    for (const { operationId, summary, responses } of operations) {
      expect(summary, operationId).toBeTruthy();
      for (const { description } of Object.values(responses)) expect(description, operationId).toBeTruthy();
    }
  });
});
