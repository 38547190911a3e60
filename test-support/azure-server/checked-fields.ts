/**
 * Strict reading of request bodies: a field that the shape does not have is refused, and so is one of the wrong type. What only
 * the server sets may be sent, since a client may send back what it was given, and is left out.
 */
import { ArmError } from './arm-error.ts';

export type Kind =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  /** An array of strings. */
  | 'strings'
  /** An object whose values are strings. */
  | 'texts'
  /** An object whose values are objects. */
  | 'objects'
  /** Only the server sets it. */
  | 'readOnly'
  | OneOf
  | Shape
  | readonly [Shape];

export interface Shape {
  readonly [field: string]: Kind;
}

/** An enumeration. */
export class OneOf {
  readonly values: readonly string[];

  constructor(...values: string[]) {
    this.values = values;
  }
}

/** The body without what only the server sets. Throws 400 for anything that the shape does not know. */
export function checkBody(body: unknown, shape: Shape, type: string): Record<string, unknown> {
  return checkObject(body, shape, type, '');
}

function checkObject(value: unknown, shape: Shape, type: string, path: string): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(asObject(value, path))) {
    const kind = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const at = path === '' ? name : `${path}.${name}`;
    if (kind === undefined) {
      const message = `Could not find member '${name}' on object of type '${type}'. Path '${at}'.`;
      throw new ArmError(400, 'BadRequest', message, { target: at });
    }
    if (kind === 'readOnly') continue;
    // A field that is null is one that is not there.
    if (item !== null) kept[name] = checkOne(item, kind, type, at);
  }
  return kept;
}

function checkOne(value: unknown, kind: Exclude<Kind, 'readOnly'>, type: string, path: string): unknown {
  if (kind instanceof OneOf) {
    if (typeof value === 'string' && kind.values.includes(value)) return value;
    throw wrong(path, value, `one of ${kind.values.join(', ')}`);
  }
  if (isList(kind)) {
    if (!Array.isArray(value)) throw wrong(path, value, 'an array');
    return value.map((item, index) => checkObject(item, kind[0], type, `${path}[${index}]`));
  }
  if (typeof kind === 'object') return checkObject(value, kind, type, path);
  if (PLAIN[kind](value)) return value;
  throw wrong(path, value, `of type ${kind}`);
}

function isList(kind: Kind): kind is readonly [Shape] {
  return Array.isArray(kind);
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const PLAIN: Readonly<Record<Exclude<Extract<Kind, string>, 'readOnly'>, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  number: (value) => typeof value === 'number',
  strings: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  texts: (value) => isObject(value) && Object.values(value).every((item) => typeof item === 'string'),
  objects: (value) => isObject(value) && Object.values(value).every(isObject),
};

function asObject(value: unknown, path: string): object {
  if (isObject(value)) return value;
  throw wrong(path, value, 'an object');
}

function wrong(path: string, value: unknown, wanted: string): ArmError {
  const message = `Error converting value ${JSON.stringify(value)}: it must be ${wanted}. Path '${path}'.`;
  return new ArmError(400, 'InvalidRequestContent', message, { target: path });
}
