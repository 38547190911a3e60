import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import type { Reply } from '../../http/route.ts';
import type { ApiVm } from '../../schemas/vm.ts';
import type { DescribedVm } from './vm-directory.ts';
import { apiVm, type VmRecord } from './vm-record.ts';

/** States in which an activity is tried until it works. */
const TRIED: readonly string[] = [
  ...['creating', 'stopping', 'imaging', 'starting', 'suspending', 'resuming', 'destroying'],
];

/** A VM as an answer of its own; unlike a list's, it tells what its machine waits for. */
export function presented(api: ApiContext, record: VmRecord): ApiVm {
  const vm = apiVm(record, api.settings.temporal);
  const { lastTry } = record;
  const isTried = TRIED.includes(vm.state);
  if (!isTried || lastTry === undefined) return vm;
  return { ...vm, detail: vm.detail === undefined ? lastTry : `${vm.detail}; ${lastTry}` };
}

/** A VM as an answer; what was read of it is noted, so that lists of this replica show it too. */
export function vmReply(
  api: ApiContext,
  status: number,
  record: VmRecord,
  headers?: Record<string, string>,
): Reply & { body: ApiVm } {
  api.projection.see(record);
  const { workflowId, runId } = record;
  // What is not there yet has a place to look.
  const where = status === 202 ? { location: vmPath(record.view.name), ...headers } : headers;
  return { status, body: presented(api, record), about: { workflowId, runId }, ...(where ? { headers: where } : {}) };
}

/** @throws ApiProblem `unknownVm`. */
export async function describedVm(api: ApiContext, project: string, name: string): Promise<DescribedVm> {
  const found = await api.directory.describe(project, name);
  if (!found) throw unknownVm(name);
  return found;
}

export function unknownVm(name: string): ApiProblem {
  return new ApiProblem('unknownVm', `There is no VM ${name} in the project of this key`);
}

export function vmPath(name: string): string {
  return `/v1/vms/${name}`;
}
