import { z } from 'zod';
import { CLOUD_INIT_FILES, cloudInitFiles, isFirstBoot, type CloudInitFile } from '../../domain/machine/cloud-init.ts';
import type { VmView } from '../../domain/vm/view.ts';
import type { ApiContext } from '../api-context.ts';
import { nothingServed } from '../http/errors/problem.ts';
import { openRoute } from '../http/route.ts';

const pathSchema = z.object({
  machineId: z.string().describe('The machine that asks.'),
  token: z.string().describe('What the machine got at its start; bound to it.'),
  file: z.string().describe(`One of ${CLOUD_INIT_FILES.join(', ')}.`),
});

export const datasourceRoute = openRoute({
  method: 'get',
  path: '/v1/datasource/{machineId}/{token}/{file}',
  operationId: 'getDatasourceFile',
  tag: 'Agents',
  summary: "A file of cloud-init's NoCloud datasource",
  description:
    'For machines that reach the API; those that do not have a volume with the same. `file` is ' +
    `${CLOUD_INIT_FILES.join(', ')}. The token is bound to the machine and closed once its VM has booted. A token ` +
    'that is wrong, used, expired or of another machine is answered alike: nothing is there.',
  access: 'public',
  params: pathSchema,
  replies: { 200: { description: 'The file.', contentType: 'text/plain; charset=utf-8' } },
  errors: ['notFound', 'rateLimited', 'temporalUnavailable'],
  handle: async ({ params: { machineId, token, file } }, api) => {
    const vm = await vmInFirstBoot(api, machineId, token);
    if (vm === undefined || !isFile(file)) throw nothingServed();
    const { name, spec } = vm;
    const machine = { machineId, vm: name, userData: spec.userData };
    const content = cloudInitFiles(machine, { hasAgentVolume: false })[file];
    return { status: 200, content: { type: 'text/plain; charset=utf-8', data: content } };
  },
});

/** The VM whose current machine shows its own token and has not booted yet. */
async function vmInFirstBoot(api: ApiContext, machineId: string, token: string): Promise<VmView | undefined> {
  const now = api.now();
  const claims = api.agentTokens.verify('datasource', token, now);
  if (claims?.machineId !== machineId) return undefined;
  api.reportLimit.take(machineId, now);
  // What this replica remembers may be a moment old, and the token then still seem good.
  const found = (await api.directory.describeWorkflow(claims.workflowId))?.record;
  if (found?.view.machineId !== machineId || found.closed) return undefined;
  return isFirstBoot(found.view, now) ? found.view : undefined;
}

function isFile(name: string): name is CloudInitFile {
  return CLOUD_INIT_FILES.some((file) => file === name);
}
