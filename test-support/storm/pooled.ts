/** The pool of a storm, from which unnamed creates get machines that waited. */
import { poolListSchema } from '../../api/schemas/pool.ts';
import { eventually, type Stack } from '../stack.ts';

/** The template that has it. */
export const POOLED = 'pooled';
const WARM = { min: 2, max: 3, ttlSeconds: 3600 };

export async function startPool({ call }: Stack): Promise<void> {
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
  const { status, body } = await call('PUT', `/v1/templates/${POOLED}`, { spec, warm: WARM });
  if (status >= 300) throw new Error(`the pool was answered ${JSON.stringify(body)}`);
}

/** Its machines go with it. */
export async function endPool({ call }: Stack): Promise<void> {
  await call('DELETE', `/v1/templates/${POOLED}`);
}

export async function untilOneWaits(stack: Stack): Promise<void> {
  const isReady = async (): Promise<true | undefined> => {
    const { pools } = poolListSchema.parse((await stack.call('GET', '/v1/pools')).body);
    return (pools.find(({ template }) => template === POOLED)?.ready ?? 0) > 0 ? true : undefined;
  };
  await eventually(stack, 'a machine that waits', isReady, 120_000);
}
