/** Ways to spoil a token, each from a seed, so that a run can be repeated. */

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Characters that look like others, or like nothing. */
const TRICKS = [' ', '\t', '\n', '\r\n', '\u0000', '\u00a0', '\u200b', '\ufeff', '\u0430', '=', '+', '/', '%2e', '..'];

type Spoil = (token: string, random: (below: number) => number) => string;

const at = (token: string, random: (below: number) => number) => random(token.length + 1);
const parts = (token: string) => token.split('.');

/** What spoils any token that is made of characters. */
export const SPOILS: Record<string, Spoil> = {
  'another character': (token, random) => {
    const index = random(token.length);
    return token.slice(0, index) + BASE64URL.charAt(random(64)) + token.slice(index + 1);
  },
  'a flipped bit': (token, random) => {
    const bytes = Buffer.from(token);
    const index = random(bytes.length);
    bytes[index] = (bytes[index] ?? 0) ^ (1 << random(7));
    return bytes.toString('latin1');
  },
  'cut off': (token, random) => token.slice(0, random(token.length)),
  'begun late': (token, random) => token.slice(1 + random(token.length)),
  'a trick inside': (token, random) => {
    const index = at(token, random);
    return token.slice(0, index) + (TRICKS[random(TRICKS.length)] ?? '') + token.slice(index);
  },
  'a header injected': (token, random) => `${token}\r\nAuthorization: Bearer ${token.slice(random(8))}`,
  'said twice': (token) => token + token,
  'another case': (token) => (token === token.toUpperCase() ? token.toLowerCase() : token.toUpperCase()),
  'padding added': (token, random) => token + '='.repeat(1 + random(3)),
  'parts swapped': (token) => parts(token).reverse().join('.'),
  'a part dropped': (token, random) => {
    const index = random(parts(token).length);
    return parts(token)
      .filter((_, position) => position !== index)
      .join('.');
  },
  'an empty signature': (token) => `${parts(token).slice(0, -1).join('.')}.`,
  'a part more': (token, random) => `${token}.${BASE64URL.charAt(random(64))}`,
};

export const asJson = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The claims of a part, to be changed. */
export function claimsIn(part = ''): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
}
