/** What settings may take: each from the text of a flag or variable, or from a value of a yaml file. */
import { isIP } from 'node:net';
import { z } from 'zod';

export const text = z.preprocess(String, z.string().trim().min(1, 'must not be empty'));

/** Text of digits is a number; anything else stays as it is, for the message. */
function numeric<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value),
    schema,
  );
}

function whole(what: string, least: number, most: number) {
  return numeric(z.int(what).min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));
}

export const port = numeric(
  z.int('must be a port number').min(0, 'must be a port, 0 to 65535').max(65535, 'must be a port, 0 to 65535'),
);

export const seconds = (least: number, most: number) => whole('must be whole seconds', least, most);

export const count = (least: number, most: number) => whole('must be a whole number', least, most);

/** A whole number of a unit such as MB, from 0 on. */
export const amount = (unit: string, most: number) =>
  numeric(
    z
      .int(`must be a whole number of ${unit}`)
      .min(0, `must be a whole number of ${unit}`)
      .max(most, `must be at most ${most} ${unit}`),
  );

/** `a,b`, or a list in yaml; nothing twice. */
export function list<Item extends z.ZodType>(item: Item, minimum: number) {
  return z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
        : value,
    z
      .array(item)
      .min(minimum, `must name at least ${minimum}`)
      .refine((items) => new Set(items).size === items.length, 'names something twice'),
  );
}

/** `a=1,b=2`, or the same as a map in yaml. */
export function map<Key extends z.ZodType<string>, Value extends z.ZodType>(key: Key, value: Value) {
  return z.preprocess(
    (written) => (typeof written === 'string' ? Object.fromEntries(written.split(',').map(asEntry)) : written),
    z.record(key as Key & z.core.$ZodRecordKey, value),
  );
}

/** Without `=` there is no value, which no schema of a value takes. */
function asEntry(written: string): [string, string | undefined] {
  const [name = '', ...value] = written.split('=');
  return [name.trim(), value.length === 0 ? undefined : value.join('=').trim()];
}

/** A whole number in a map: `gcp=12`. */
export const numberOf = (example: string, least: number, most: number) =>
  whole(`must look like ${example}`, least, most);

export function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: () => `must be ${names.join(' or ')}` });
}

export const trueOrFalse = z.preprocess(
  String,
  oneOf(['true', 'false']).transform((value) => value === 'true'),
);

export const httpUrl = text.refine((value) => {
  return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);
}, 'must be a URL that starts with http:// or https://');

/** Without slashes at its end, so that paths can be put behind it. */
export const baseUrl = httpUrl.transform((url) => url.replace(/\/+$/, ''));

export const address = text.refine((value) => /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(value), {
  error: 'must look like host:port',
});

const PROXY_RANGES = ['loopback', 'linklocal', 'uniquelocal'];

/** As the `trust proxy` of Express takes them; with /0 anybody could say to be anybody. */
export const addressOrRange = text.refine(isAddressOrRange, {
  error: ({ input }) =>
    `names "${String(input)}", which is no address, no range such as 10.0.0.0/8, and none of ${PROXY_RANGES.join(', ')}`,
});

function isAddressOrRange(written: string): boolean {
  if (PROXY_RANGES.includes(written)) return true;
  const [ip = '', bits, ...rest] = written.split('/');
  const family = isIP(ip);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Lower-case letters, digits and dashes: what names resources and queues. */
export const label = (most: number) =>
  text.refine((value) => value.length <= most && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value), {
    error: `must be at most ${most} lower-case letters, digits and dashes`,
  });

/** Keys and tokens that people choose are long enough that nobody guesses one. */
const MIN_SECRET_CHARACTERS = 20;

export const secretText = z
  .string()
  .min(MIN_SECRET_CHARACTERS, `must have at least ${MIN_SECRET_CHARACTERS} characters`)
  .max(200, 'must have at most 200 characters')
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces');
