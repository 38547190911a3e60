/** docs/api.md: each request of the API as openapi.json describes it. */
import { z } from 'zod';

const schemaSchema = z.looseObject({
  $ref: z.string().optional(),
  description: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
  get items() {
    return schemaSchema.optional();
  },
  get anyOf() {
    return z.array(schemaSchema).optional();
  },
  get properties() {
    return z.record(z.string(), schemaSchema).optional();
  },
  required: z.array(z.string()).optional(),
});
const contentSchema = z.record(z.string(), z.looseObject({ schema: schemaSchema }));
const operationSchema = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  description: z.string().optional(),
  tags: z.tuple([z.string()]),
  'x-role': z.string().optional(),
  security: z.array(z.record(z.string(), z.unknown())),
  parameters: z.array(
    z.looseObject({
      name: z.string(),
      in: z.string(),
      required: z.boolean(),
      description: z.string().optional(),
      schema: schemaSchema,
    }),
  ),
  requestBody: z.looseObject({ description: z.string().optional(), content: contentSchema }).optional(),
  responses: z.record(z.string(), z.looseObject({ description: z.string() })),
});
const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), schemaSchema) }),
});

type Schema = z.infer<typeof schemaSchema>;
type Schemas = Record<string, Schema>;
interface Operation extends z.infer<typeof operationSchema> {
  method: string;
  path: string;
}

/** The reference as Markdown. `openApi`: the text of openapi.json. */
export function apiReference(openApi: string): string {
  const { paths, components } = documentSchema.parse(JSON.parse(openApi));
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => ({ ...operation, method, path })),
  );
  const tags = [...new Set(operations.map(({ tags: [tag] }) => tag))];
  return [
    '# API reference',
    '',
    'Generated from [openapi.json](openapi.json), which says more of each field, by `dev/generate-docs.ts`. A running API shows it at',
    '`/docs`. Errors are `application/problem+json`; each `code` is explained in [errors.md](errors.md).',
    '',
    ...tags.flatMap((tag) => [
      `## ${tag}`,
      '',
      ...operations
        .filter(({ tags: [one] }) => one === tag)
        .flatMap((operation) => operationLines(operation, components.schemas)),
    ]),
  ].join('\n');
}

function operationLines(operation: Operation, schemas: Schemas): string[] {
  const { method, path, operationId, summary, description, parameters, requestBody, responses } = operation;
  const body = Object.entries(requestBody?.content ?? {});
  return [
    `### ${operationId}`,
    '',
    `**\`${method.toUpperCase()} ${path}\`**: ${sentence(summary)} ${who(operation)}`,
    '',
    ...(description === undefined ? [] : [description, '']),
    ...table(
      ['parameter', 'in', 'type', 'meaning'],
      parameters.map((one) => [
        `\`${one.name}\``,
        one.in,
        typeOf(one.schema),
        one.description ?? meaning(one.schema, schemas),
      ]),
    ),
    ...body.flatMap(([type, { schema }]) => bodyLines(type, schema, requestBody?.description, schemas)),
    ...table(
      ['answer', 'meaning'],
      Object.entries(responses).map(([status, one]) => [status, one.description]),
    ),
  ];
}

function bodyLines(type: string, schema: Schema, description: string | undefined, schemas: Schemas): string[] {
  const { properties = {}, required = [] } = resolved(schema, schemas);
  const rows = Object.entries(properties).map(([name, field]) => [
    `\`${name}\`${required.includes(name) ? ', needed' : ''}`,
    typeOf(field),
    meaning(field, schemas),
  ]);
  return [`Body: \`${type}\`. ${description ?? ''}`.trim(), '', ...table(['field', 'type', 'meaning'], rows)];
}

function who({ security, ['x-role']: role }: Operation): string {
  if (role !== undefined) return `Needs a key of role \`${role}\`${role === 'admin' ? '' : ' or above'}.`;
  return security.length === 0 ? 'Needs no key.' : 'For agents, with their token.';
}

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);
const resolved = (schema: Schema, schemas: Schemas): Schema =>
  schema.$ref === undefined ? schema : resolved(schemas[nameOf(schema.$ref)] ?? {}, schemas);
const meaning = (schema: Schema, schemas: Schemas): string =>
  schema.description ?? resolved(schema, schemas).description ?? '';

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  return [schema.type ?? 'any'].flat().join(' or ');
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}
