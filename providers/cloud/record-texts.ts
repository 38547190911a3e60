/**
 * Records of machines and images where a cloud has room for short texts only, such as tags. A record is read whole or not at
 * all: each text says of which record it is a part, so that parts of two never make a third.
 */
import { createHash } from 'node:crypto';

const HASH_LENGTH = 12;
const PART = new RegExp(`^([0-9a-f]{${HASH_LENGTH}})-(\\d{1,6})-(\\d{1,2})-(\\d{1,2})-([A-Za-z0-9_-]*)$`);
/** Room that is taken by what a text says of itself. */
const MOST_PREFIX = HASH_LENGTH + 1 + 6 + 1 + 2 + 1 + 2 + 1;
const MOST_PARTS = 99;
const MOST_GENERATION = 999_999;

/**
 * The record as texts of at most `chunkLength` letters, digits, `-` and `_`, in any order. `generation`: of several whole
 * records the highest counts, for clouds where the new texts are written before the old ones are taken away.
 * @throws Error where it takes more than 99 texts
 */
export function recordTexts(record: object, chunkLength: number, generation = 0): string[] {
  const room = chunkLength - MOST_PREFIX;
  if (room < 1 || generation > MOST_GENERATION) throw new Error(`no record fits into texts of ${chunkLength}`);
  const json = JSON.stringify(record);
  const encoded = Buffer.from(json).toString('base64url');
  const count = Math.ceil(encoded.length / room);
  if (count > MOST_PARTS) throw new Error(`a record of ${json.length} characters takes too many texts`);
  const start = `${hashOf(json)}-${generation}`;
  return Array.from(
    { length: count },
    (_, index) => `${start}-${index}-${count}-${encoded.slice(index * room, (index + 1) * room)}`,
  );
}

/** The JSON of the record in these texts, undefined where none is whole. Texts that are something else are left out. */
export function recordFromTexts(texts: Iterable<string>): string | undefined {
  return newestOf(texts)?.json;
}

/** The generation of that record; -1 where there is none. */
export function recordGenerationOf(texts: Iterable<string>): number {
  return newestOf(texts)?.generation ?? -1;
}

interface WholeRecord {
  json: string;
  generation: number;
  hash: string;
}

function newestOf(texts: Iterable<string>): WholeRecord | undefined {
  const parts = new Map<string, string[]>();
  for (const text of texts) {
    const [, hash, generation, index, count, chunk] = PART.exec(text) ?? [];
    if (hash === undefined || chunk === undefined) continue;
    const key = `${hash}-${generation}-${count}`;
    const found = parts.get(key) ?? [];
    found[Number(index)] = chunk;
    parts.set(key, found);
  }
  let newest: WholeRecord | undefined;
  for (const [key, found] of parts) {
    const [hash = '', generation, count] = key.split('-');
    const json = Buffer.from(found.join(''), 'base64url').toString();
    if (found.length !== Number(count) || hashOf(json) !== hash) continue;
    const whole = { json, generation: Number(generation), hash };
    if (newest === undefined || isAfter(whole, newest)) newest = whole;
  }
  return newest;
}

/** Of two of one generation every reader takes the same. */
function isAfter(one: WholeRecord, other: WholeRecord): boolean {
  return one.generation === other.generation ? one.hash < other.hash : one.generation > other.generation;
}

function hashOf(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, HASH_LENGTH);
}
