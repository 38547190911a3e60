import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ApiProblem } from '../http/errors/problem.ts';
import { openRoute } from '../http/route.ts';

const VM_SERVER_FILE = new URL('../../dist/vm-server.cjs', import.meta.url);

/** Machines fetch it before they can prove who they are, and there is no secret in it: so anyone may. */
export const vmServerRoute = openRoute({
  method: 'get',
  path: '/v1/agent/vm-server.cjs',
  operationId: 'getVmServer',
  tag: 'Agents',
  summary: 'The program that runs in machines: agent and sample chat',
  description: 'One file for Node.js 20 or newer. The startup script of cloud machines fetches it from here.',
  access: 'public',
  replies: { 200: { description: 'The file.', schema: z.string(), contentType: 'text/javascript; charset=utf-8' } },
  errors: ['vmServerMissing'],
  handle: async () => {
    const data = await readFile(VM_SERVER_FILE).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        throw new ApiProblem('vmServerMissing', 'dist/vm-server.cjs was not built');
      throw error;
    });
    return { status: 200, content: { type: 'text/javascript; charset=utf-8', data } };
  },
});
