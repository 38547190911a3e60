/** The bodies of creates that the documentation shows. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** What follows `-d` in a call of /v1/vms, and JSON blocks that name a VM and say what it is made from. */
export function createExamples(file: string): Record<string, unknown>[] {
  const text = readFileSync(resolve(ROOT, file), 'utf8');
  const calls = [...text.matchAll(/\/v1\/vms[?' ][^`]*?-d '(\{[^']*\})'/g)].map(([, body = '']) => body);
  const blocks = [...text.matchAll(/```json\n(\{[^`]*\})\n```/g)].map(([, body = '']) => body);
  return [
    ...calls.map((body) => JSON.parse(body) as Record<string, unknown>),
    ...blocks.filter(isCreate).map((body) => JSON.parse(body) as Record<string, unknown>),
  ];
}

function isCreate(body: string): boolean {
  return /"name"/.test(body) && /"(template|image)"/.test(body) && !/"(state|requestId)"/.test(body);
}
