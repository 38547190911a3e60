/** Networks of which a host gives each of its machines an address. */
import {
  NEVER_REACHED,
  addressText,
  lieWithin,
  networkOf,
  networkText,
  overlap,
  parseWrittenNetwork,
  sizeOf,
  type Network,
} from './ipv4.ts';

/** A larger one is a mistake, and too much to look through. */
const LEAST_BITS = 16;

/** `192.0.2.64/27` or `192.0.2.9`. A text answers why another text is no range that a host can have. */
export function parseAddressRange(text: string): Network | string {
  const written = parseWrittenNetwork(text);
  if (written === undefined) return `"${text}" is no range; ranges look like 192.0.2.64/27 or 192.0.2.9`;
  const range = networkOf(written.address, written.bits);
  if (range.first !== written.address) return `"${text}" is no range; perhaps ${networkText(range)} is meant`;
  if (range.bits < LEAST_BITS) return `"${text}" is too big; a range has at most ${2 ** (32 - LEAST_BITS)} addresses`;
  const never = NEVER_REACHED.find((one) => lieWithin(range, one));
  if (never !== undefined) return `"${text}" lies in ${networkText(never)}, where no other computer reaches it`;
  return range;
}

/** The ranges of texts that were checked; what is none is left out. */
export function addressRanges(texts: readonly string[]): Network[] {
  return texts.map(parseAddressRange).filter((range): range is Network => typeof range !== 'string');
}

/** Two ranges that share an address, one of each side; undefined where none do. */
export function overlapping(
  ours: readonly string[],
  theirs: readonly string[],
): readonly [ours: string, theirs: string] | undefined {
  for (const one of addressRanges(ours)) {
    const other = addressRanges(theirs).find((range) => overlap(one, range));
    if (other !== undefined) return [networkText(one), networkText(other)];
  }
  return undefined;
}

/** Every address of the ranges, from a place on that each machine has to itself as far as that goes. */
export function* addressesInOrder(ranges: readonly Network[], machineId: string): Generator<string> {
  const total = ranges.reduce((sum, range) => sum + sizeOf(range), 0);
  const first = total === 0 ? 0 : hashOf(machineId) % total;
  for (let step = 0; step < total; step += 1) yield addressText(addressAt(ranges, (first + step) % total));
}

function addressAt(ranges: readonly Network[], index: number): number {
  let rest = index;
  for (const range of ranges) {
    if (rest < sizeOf(range)) return range.first + rest;
    rest -= sizeOf(range);
  }
  return 0;
}

/** FNV-1a: it spreads ids, and no more is asked of it. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
