/**
 * Strict reading of request bodies and queries: what the published description does not have is refused, and so is what
 * has another type there.
 */
import { badRequest, unprocessable } from './api-error.ts';

type FieldType =
  'string' | 'integer' | 'boolean' | 'object' | 'strings' | 'integerOrString' | 'integersOrStrings' | 'resources';

/** The fields of a body, and those among them that have to be there. */
export interface BodyShape {
  fields: Readonly<Record<string, FieldType>>;
  required: readonly string[];
}

const isString = (value: unknown): boolean => typeof value === 'string';
const isIntegerOrString = (value: unknown): boolean => Number.isInteger(value) || isString(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (fits: (item: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(fits);

const FITS: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  string: isString,
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  object: isObject,
  strings: isListOf(isString),
  integerOrString: isIntegerOrString,
  integersOrStrings: isListOf(isIntegerOrString),
  resources: isListOf(isResource),
};

const RESOURCE_TYPES: readonly unknown[] = ['droplet', 'image', 'volume', 'volume_snapshot'];

function isResource(value: unknown): boolean {
  if (!isObject(value) || Object.keys(value).some((key) => key !== 'resource_id' && key !== 'resource_type'))
    return false;
  return isString(value['resource_id']) && RESOURCE_TYPES.includes(value['resource_type']);
}

/** The body as an object of that shape. @throws ApiError 400 for no JSON, 422 that names the field otherwise. */
export function checkedBody(written: string, { fields, required }: BodyShape): Record<string, unknown> {
  const body = parsed(written);
  for (const [name, value] of Object.entries(body)) {
    const type = fields[name];
    if (type === undefined) throw unprocessable(`${name}: unknown field`);
    if (!FITS[type](value)) throw unprocessable(`${name}: must be of type ${type}`);
  }
  for (const name of required) if (!(name in body)) throw unprocessable(`${name}: is required`);
  return body;
}

function parsed(written: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(written);
  } catch {
    throw badRequest('error parsing request body');
  }
  if (!isObject(body)) throw badRequest('the request body must be an object');
  return body;
}

/** @throws ApiError 400 for a parameter that this operation does not have, or has twice. */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) throw badRequest(`${name}: unknown query parameter`);
    if (query.getAll(name).length > 1) throw badRequest(`${name}: given more than once`);
  }
}

const DROPLET_NAME = /^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/;
const TAG_NAME = /^[a-zA-Z0-9_:-]+$/;
const MOST_CHARACTERS = 255;

export function checkDropletName(name: string): void {
  if (DROPLET_NAME.test(name) && name.length <= MOST_CHARACTERS) return;
  throw unprocessable('name: Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)');
}

export function checkTagName(name: string, field = 'name'): void {
  if (TAG_NAME.test(name) && name.length <= MOST_CHARACTERS) return;
  const allowed = 'letters, numbers, colons, dashes and underscores, 255 at most';
  throw unprocessable(`${field}: '${name}' is no name of a tag: ${allowed}`);
}
