import { expect } from 'vitest';
import { eventually, type Stack } from '../stack.ts';

/**
 * Keeps a template and waits until it serves in this version: on a busy computer the answer says only that it was accepted.
 */
export async function putTemplate(
  stack: Pick<Stack, 'call' | 'logs'>,
  name: string,
  body: object,
  version = 1,
): Promise<void> {
  const { status, body: answer } = await stack.call('PUT', `/v1/templates/${name}`, body);
  expect([200, 201, 202], JSON.stringify(answer)).toContain(status);
  if (status !== 202) return;
  await eventually(stack, `template ${name}`, async () => {
    const { status: shown, body: template } = await stack.call('GET', `/v1/templates/${name}`);
    return shown === 200 && Number(template['version']) >= version ? true : undefined;
  });
}
