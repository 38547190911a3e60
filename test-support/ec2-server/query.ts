/** Requests and answers of EC2's query protocol, as far as a proxy has to read and change them. */

/** An error in EC2's own form. */
export class Ec2Error extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  body(): string {
    const error = `<Error><Code>${this.code}</Code><Message>${escaped(this.message)}</Message></Error>`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>${error}</Errors><RequestID>played</RequestID></Response>`;
  }
}

/** The values of `NAME.1`, `NAME.2`, … */
export function listOf(params: URLSearchParams, name: string): string[] {
  const found: string[] = [];
  for (let index = 1; params.has(`${name}.${index}`); index++) found.push(params.get(`${name}.${index}`) ?? '');
  return found;
}

/** The tags of a list such as `TagSpecification.1.Tag`; a tag without a value has an empty one. */
export function tagsOf(params: URLSearchParams, list: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (let index = 1; params.has(`${list}.${index}.Key`); index++) {
    tags.set(params.get(`${list}.${index}.Key`) ?? '', params.get(`${list}.${index}.Value`) ?? '');
  }
  return tags;
}

/** What a create says of the tags of one kind of resource. */
export function specifiedTags(params: URLSearchParams, resource: string): Map<string, string> {
  for (let index = 1; params.has(`TagSpecification.${index}.ResourceType`); index++) {
    const specification = `TagSpecification.${index}`;
    if (params.get(`${specification}.ResourceType`) === resource) return tagsOf(params, `${specification}.Tag`);
  }
  return new Map();
}

/** The same request without what it says of the tags of one kind of resource. */
export function withoutTagsOf(params: URLSearchParams, resource: string): URLSearchParams {
  const left = new URLSearchParams(params);
  for (const [name, value] of params) {
    const [, prefix] = /^(TagSpecification\.\d+)\.ResourceType$/.exec(name) ?? [];
    if (prefix === undefined || value !== resource) continue;
    for (const key of params.keys()) if (key.startsWith(`${prefix}.`)) left.delete(key);
  }
  return left;
}

/** The text of the first such element. */
export function elementOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

const RESERVATION = '<item><reservationId>';
const END_OF_SET = '</reservationSet>';

/** Changes each instance of a DescribeInstances answer, or takes it out with undefined; every reservation has one. */
export function eachInstance(xml: string, change: (id: string, item: string) => string | undefined): string {
  const [head = '', ...items] = xml.split(RESERVATION);
  const last = items.at(-1) ?? '';
  const end = last.indexOf(END_OF_SET);
  const tail = items.length === 0 ? '' : last.slice(end);
  if (items.length > 0) items[items.length - 1] = last.slice(0, end);
  const changed = items.map((item) => change(elementOf(item, 'instanceId') ?? '', `${RESERVATION}${item}`) ?? '');
  return head + changed.join('') + tail;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
