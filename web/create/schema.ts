/** The parts of JSON Schema that openapi.json uses for requests. */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
}

/** How a field is asked for. */
export type FieldKind = 'text' | 'number' | 'yesNo' | 'choice' | 'list' | 'pairs' | 'group' | 'json';

/** What fits a schema best; `json` where nothing else does. */
export function fieldKind(schema: Schema): FieldKind {
  const { type, properties, items, additionalProperties } = known(schema);
  if (schema.enum !== undefined) return 'choice';
  if (type === 'boolean') return 'yesNo';
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string') return 'text';
  if (type === 'array' && items?.type === 'string') return 'list';
  if (type === 'object' && properties !== undefined) return 'group';
  if (type === 'object' && typeof additionalProperties === 'object') return 'pairs';
  return 'json';
}

/** Of what may be null too, the other: null is what an empty field says. */
export function known(schema: Schema): Schema {
  const others = schema.anyOf?.filter((one) => (one.type as string | undefined) !== 'null') ?? [];
  const [only] = others;
  if (others.length !== 1 || only === undefined) return schema;
  return schema.description === undefined ? only : { ...only, description: schema.description };
}

/** What stands below a field, and what it is when nothing is said: descriptions of the API end with `Default: …`. */
export function splitDescription(description = ''): { about: string; fallback: string | undefined } {
  const [, about = description, fallback] = /^(.*?)\s*Default: (.*)$/s.exec(description) ?? [];
  return { about: about.replaceAll('`', ''), fallback: fallback?.replaceAll('`', '') };
}

/** A value without what was left empty; undefined when that leaves nothing. */
export function withoutEmpty(value: unknown): unknown {
  if (value === '' || value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  if (typeof value !== 'object') return value;
  const members = Object.entries(value).flatMap(([key, member]) => {
    const kept = withoutEmpty(member);
    return kept === undefined ? [] : [[key, kept] as const];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
