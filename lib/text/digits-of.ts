import { createHash } from 'node:crypto';

/** As many decimal digits, ten at most, that a text has by its hash. */
export function digitsOf(text: string, count: number): string {
  const number = createHash('sha256').update(text).digest().readUIntBE(0, 6);
  return String(number % 10 ** count).padStart(count, '0');
}
