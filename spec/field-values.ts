/** Values of fields: a request over its template, and defaults for the rest. */
import type { z } from 'zod';
import { Field, FieldGroup, FieldList, type Fields } from './field.ts';
import type { AskedShape, KeptShape } from './field-schemas.ts';

export type AskedValues<Of> = z.output<z.ZodObject<AskedShape<Of>>>;
export type KeptValues<Of> = z.output<z.ZodObject<KeptShape<Of>>>;

type Values = Readonly<Record<string, unknown>>;

/** True for what a caller may write without wanting anything: an empty list, false, an empty text. */
export function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** The same of one field by its name: of some an empty list is a wish. */
export function fieldAsksForNothing(fields: Fields, name: string, value: unknown): boolean {
  const node = fields[name];
  const isWish = node instanceof Field && node.info.emptyCounts === true && Array.isArray(value);
  return !isWish && asksForNothing(value);
}

/** What a request and its template ask together; the request wins, field by field. */
export function combined<Of extends Fields>(
  fields: Of,
  request: AskedValues<Of>,
  template: AskedValues<Of>,
): AskedValues<Of> {
  return combine(fields, request, template) as AskedValues<Of>;
}

function combine(fields: Fields, request: Values, template: Values): Values {
  const found: Record<string, unknown> = {};
  for (const [name, node] of Object.entries(fields)) {
    const [own, base] = [request[name], template[name]];
    if (own === undefined || base === undefined) found[name] = own === undefined ? base : own;
    else if (node instanceof FieldGroup) found[name] = combine(node.fields, own as Values, base as Values);
    else if (node instanceof Field && node.info.adds) found[name] = { ...(base as Values), ...(own as Values) };
    else found[name] = own;
  }
  return found;
}

/** The values of a whole spec; what nobody asks for has its default, or is absent. */
export function withDefaults<Of extends Fields>(fields: Of, asked: AskedValues<Of>): KeptValues<Of> {
  return complete(fields, asked) as KeptValues<Of>;
}

function complete(fields: Fields, asked: Values): Values {
  const found: Record<string, unknown> = {};
  for (const [name, node] of Object.entries(fields)) {
    const value = asked[name];
    if (node instanceof FieldGroup) found[name] = complete(node.fields, (value ?? {}) as Values);
    else if (node instanceof FieldList)
      found[name] = ((value ?? []) as Values[]).map((item) => complete(node.fields, item));
    else if (value !== undefined && !(node.byDefault === undefined && fieldAsksForNothing(fields, name, value)))
      found[name] = value;
    else if (node.byDefault !== undefined) found[name] = structuredClone(node.byDefault);
  }
  return found;
}

export interface FoundField {
  /** `idle.timeoutSeconds` */
  path: string;
  node: Field<z.ZodType, z.ZodType>;
  value: unknown;
}

/** Every field with its value; of a list those of all its items, under the path of the list. */
export function valuesOf(fields: Fields, values: object, path = ''): FoundField[] {
  return Object.entries(fields).flatMap(([name, node]) => {
    const value = (values as Values)[name];
    const here = path === '' ? name : `${path}.${name}`;
    if (node instanceof FieldGroup) return valuesOf(node.fields, value ?? {}, here);
    if (node instanceof FieldList) {
      const items = ((value ?? []) as Values[]).flatMap((item) => valuesOf(node.fields, item));
      return items.map((item) => ({ ...item, path: here }));
    }
    return [{ path: here, node, value }];
  });
}

/** The same values, each field's own passed through `change`; what is no field stays as it is. */
export function mapValues<Whole extends object>(
  fields: Fields,
  values: Whole,
  change: (found: Omit<FoundField, 'path'>) => unknown,
): Whole {
  const found: Record<string, unknown> = { ...(values as Values) };
  for (const [name, node] of Object.entries(fields)) {
    const value = found[name];
    if (value === undefined) continue;
    if (node instanceof FieldGroup) found[name] = mapValues(node.fields, value as object, change);
    else if (node instanceof Field) found[name] = change({ node, value });
  }
  return found as Whole;
}
