/**
 * Strict reading of request bodies: unknown fields are refused, types are checked, and so are fields that only the
 * server may set. The known fields are those of the API's own description, as the client's package carries it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ApiError, invalidField } from './api-error.ts';

interface Field {
  type: string;
  rule?: 'repeated';
  keyType?: string;
}
interface Message {
  fields?: Record<string, Field>;
  nested?: Record<string, Message>;
}

/** The messages that our routes take. */
export type BodyType =
  'Instance' | 'Image' | 'InstancesSetLabelsRequest' | 'Metadata' | 'DeprecationStatus' | 'TestPermissionsRequest';

const OUTPUT_ONLY: Readonly<Record<string, readonly string[]>> = {
  Instance: ['id', 'kind', 'status', 'selfLink', 'zone', 'creationTimestamp', 'cpuPlatform', 'lastStartTimestamp'],
  Image: ['id', 'kind', 'status', 'selfLink', 'creationTimestamp', 'archiveSizeBytes', 'deprecated'],
};

const messages = readMessages();

function readMessages(): Record<string, Message> {
  const path = createRequire(import.meta.url).resolve('@google-cloud/compute/build/protos/protos.json');
  let found = JSON.parse(readFileSync(path, 'utf8')) as Message;
  for (const name of ['google', 'cloud', 'compute', 'v1']) found = found.nested?.[name] ?? {};
  return found.nested ?? {};
}

/** Throws 400 for anything that the API's description does not know. */
export function checkBody(value: unknown, type: BodyType): void {
  checkMessage(value, type, 'resource');
  for (const name of OUTPUT_ONLY[type] ?? []) {
    const given = (value as Record<string, unknown>)[name];
    if (given !== undefined) throw invalidField(`resource.${name}`, given, 'The field is output only.');
  }
}

function checkMessage(value: unknown, type: string, path: string): void {
  const fields = messages[type]?.fields;
  if (fields === undefined) throw new Error(`the description has no message ${type}`);
  for (const [name, item] of Object.entries(asObject(value, path))) {
    const field = fields[name];
    if (field === undefined) {
      throw new ApiError(400, 'badRequest', `Invalid JSON payload received. Unknown name "${name}" at '${path}'`);
    }
    checkField(item, field, `${path}.${name}`);
  }
}

function checkField(value: unknown, field: Field, path: string): void {
  if (field.keyType !== undefined) {
    for (const [key, item] of Object.entries(asObject(value, path))) checkOne(item, field.type, `${path}.${key}`);
  } else if (field.rule === 'repeated') {
    if (!Array.isArray(value)) throw invalidField(path, value, 'Must be a list.');
    value.forEach((item, index) => checkOne(item, field.type, `${path}[${index}]`));
  } else {
    checkOne(value, field.type, path);
  }
}

function checkOne(value: unknown, type: string, path: string): void {
  const fits = PLAIN[type];
  if (fits === undefined) {
    // What is neither plain nor a message is an enumeration, which travels as its name.
    if (messages[type]?.fields === undefined) checkOne(value, 'string', path);
    else checkMessage(value, type, path);
  } else if (!fits(value)) throw invalidField(path, value, `Must be of type ${type}.`);
}

const isInteger = (value: unknown): boolean => /^-?\d+$/.test(String(value));
const PLAIN: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  int32: isInteger,
  int64: isInteger,
  uint32: isInteger,
  uint64: isInteger,
  float: (value) => typeof value === 'number',
  double: (value) => typeof value === 'number',
};

function asObject(value: unknown, path: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw invalidField(path, value, 'Must be an object.');
}
