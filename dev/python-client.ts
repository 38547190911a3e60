/** Makes `examples/python/ephemera_client/generated.py`: types and one method for each request, read from openapi.json. */
import { isRepeatable, operationsOf, type OpenApi, type OpenApiOperation } from './client-operations.ts';

interface Schema {
  type?: string | string[];
  $ref?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: Schema | boolean;
}

const PRIMITIVES: Record<string, string> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  null: 'None',
  object: 'Dict[str, Any]',
  array: 'List[Any]',
};
const KEYWORDS = new Set([
  'from',
  'global',
  'class',
  'import',
  'in',
  'is',
  'not',
  'or',
  'and',
  'pass',
  'with',
  'async',
]);
/** Their bodies go on for long: WebSockets, events and tars are written by hand, and agents are no users. */
const BY_HAND = new Set(['openCommand', 'forwardPort', 'readFiles', 'writeFiles', 'watchEvents']);

const HEAD = `"""Generated from docs/openapi.json by dev/generate-docs.ts: the types of the API, and a method for each of its requests."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Mapping, Optional, TypedDict, Union

try:
    from typing import NotRequired
except ImportError:  # Python 3.10 and older
    from typing_extensions import NotRequired  # type: ignore
`;

export function pythonClient(openApiText: string): string {
  const api = JSON.parse(openApiText) as OpenApi;
  const types = new Types();
  for (const [name, schema] of Object.entries(api.components.schemas)) types.declare(name, schema as Schema);
  const methods = operationsOf(api)
    .filter(({ operation }) => !BY_HAND.has(operation.operationId))
    .map(({ method, path, operation }) => methodOf(types, method, path, operation));
  const base = [
    'class GeneratedCalls:',
    '    """A method for each request of the API; Ephemera of client.py sends them."""',
    '',
    '    def _call(',
    '        self, method: str, path: str, query: Mapping[str, Any], headers: Mapping[str, Optional[str]], body: Any, repeatable: bool',
    '    ) -> Any:',
    '        raise NotImplementedError',
  ];
  return `${HEAD}\n${types.text()}\n\n${[...base, ...methods].join('\n')}\n`;
}

class Types {
  private readonly lines: string[] = [];

  text(): string {
    return this.lines.join('\n');
  }

  /** A name for the schema: of a class for an object whose fields are known, else of what it is. */
  declare(name: string, schema: Schema): void {
    if (isRecord(schema)) this.declareRecord(name, schema);
    else this.lines.push('', `${name} = ${this.nameOf(schema, name)}`);
  }

  /** How the type is written; objects within get names of their own, from that of what holds them. */
  nameOf(schema: Schema, within: string): string {
    if (schema.$ref !== undefined) return JSON.stringify(schema.$ref.split('/').at(-1));
    if (schema.const !== undefined) return `Literal[${literal(schema.const)}]`;
    if (schema.enum !== undefined) return `Literal[${schema.enum.map(literal).join(', ')}]`;
    const many = schema.anyOf ?? schema.oneOf;
    if (many !== undefined) return `Union[${many.map((one, at) => this.nameOf(one, `${within}${at + 1}`)).join(', ')}]`;
    if (schema.allOf?.length === 1 && schema.allOf[0] !== undefined) return this.nameOf(schema.allOf[0], within);
    if (Array.isArray(schema.type)) {
      return `Union[${schema.type.map((type) => this.nameOf({ ...schema, type }, within)).join(', ')}]`;
    }
    if (schema.type === 'array' && schema.items !== undefined) return `List[${this.nameOf(schema.items, within)}]`;
    if (isRecord(schema)) {
      this.declareRecord(within, schema);
      return JSON.stringify(within);
    }
    const { additionalProperties: more } = schema;
    if (schema.type === 'object' && typeof more === 'object') return `Dict[str, ${this.nameOf(more, within)}]`;
    return PRIMITIVES[schema.type ?? ''] ?? 'Any';
  }

  private declareRecord(name: string, { properties = {}, required = [], description }: Schema): void {
    const fields = Object.entries(properties).map(([field, schema]) => {
      const type = this.nameOf(schema, `${name}${field[0]?.toUpperCase() ?? ''}${field.slice(1)}`);
      return { field, type: required.includes(field) ? type : `NotRequired[${type}]`, about: schema.description };
    });
    if (fields.some(({ field }) => KEYWORDS.has(field) || !/^\w+$/.test(field))) {
      const entries = fields.map(({ field, type }) => `    ${JSON.stringify(field)}: ${type},`);
      this.lines.push('', `${name} = TypedDict(${JSON.stringify(name)}, {`, ...entries, '})');
      return;
    }
    const about = description === undefined ? [] : [`    """${sentence(description)}"""`, ''];
    const written = fields.flatMap(({ field, type, about: what }) => [
      ...(what === undefined ? [] : [`    # ${sentence(what)}`]),
      `    ${field}: ${type}`,
    ]);
    this.lines.push('', '', `class ${name}(TypedDict):`, ...about, ...(written.length === 0 ? ['    pass'] : written));
  }
}

function methodOf(types: Types, method: string, path: string, operation: OpenApiOperation): string {
  const { operationId, parameters = [], requestBody, summary } = operation;
  const name = snake(operationId);
  const bodySchema = requestBody?.content['application/json']?.schema as Schema | undefined;
  const required = parameters.filter((one) => one.in === 'path').map((one) => `${snake(one.name)}: str`);
  if (requestBody !== undefined)
    required.push(`body: ${bodySchema === undefined ? 'Any' : types.nameOf(bodySchema, `${operationId}Body`)}`);
  const options = parameters
    .filter((one) => one.in !== 'path')
    .map((one) => `${snake(one.name)}: Optional[${types.nameOf(one.schema as Schema, `${operationId}Option`)}] = None`);
  const signature = ['self', ...required, ...(options.length === 0 ? [] : ['*', ...options])].join(', ');
  const pairs = (where: string): string =>
    parameters
      .filter((one) => one.in === where)
      .map((one) => `${JSON.stringify(one.name)}: ${snake(one.name)}`)
      .join(', ');
  const route = path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => `{${snake(parameter)}}`);
  const answer = answerOf(types, operation);
  return [
    '',
    `    def ${name}(${signature}) -> ${answer}:`,
    `        """${summary}."""`,
    `        return self._call(`,
    `            ${JSON.stringify(method)}, f${JSON.stringify(route)}, {${pairs('query')}}, {${pairs('header')}}, ` +
      `${requestBody === undefined ? 'None' : 'body'}, ${isRepeatable(method, operation) ? 'True' : 'False'}`,
    '        )',
  ].join('\n');
}

function answerOf(types: Types, { responses, operationId }: OpenApiOperation): string {
  const names = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, { content }]) => {
      const schema = content?.['application/json']?.schema as Schema | undefined;
      if (schema !== undefined) return [types.nameOf(schema, `${operationId}Answer`)];
      return Object.keys(content ?? {}).some((type) => type.startsWith('text/')) ? ['str'] : [];
    });
  const unique = [...new Set(names)];
  if (unique.length === 0) return 'Any';
  return unique.length === 1 ? (unique[0] ?? 'Any') : `Union[${unique.join(', ')}]`;
}

function isRecord({ type, properties }: Schema): boolean {
  return type === 'object' && properties !== undefined;
}

function literal(value: unknown): string {
  if (value === true) return 'True';
  return value === false ? 'False' : value === null ? 'None' : JSON.stringify(value);
}

/** `Idempotency-Key`, `createVm` -> `idempotency_key`, `create_vm` */
function snake(name: string): string {
  return name
    .replaceAll('-', '_')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

function sentence(text: string): string {
  const [first = ''] = text.split('\n');
  return first.replaceAll('\\', '\\\\').replaceAll('"""', "'''");
}
