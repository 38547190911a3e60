/** What is refused at once of requests that are done later: all that cannot be otherwise when their turn comes. */
import type { KeyedRequest } from '../http/route.ts';
import type { ApiContext } from '../api-context.ts';
import { requireRole } from '../http/authenticate.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { newestReady } from '../../domain/image/state.ts';
import { descriptorOf } from '../../providers/lookup.ts';
import type { CreateVmBody } from '../../spec/spec-schemas.ts';
import type { PowerAction } from '../vms/power/ask-power.ts';
import { checkedCreate } from '../vms/create/create-vm.ts';
import { refuseUnsupportedAction } from '../vms/power/refuse-action.ts';
import { refuseUnplaceable } from '../vms/create/refuse-unplaceable.ts';
import { secretInputOf } from '../vms/create/secret-input.ts';
import { idempotencyKeyHash } from '../vms/create/spec-hash.ts';
import { nameForKey } from '../vms/create/vm-names.ts';
import { describedVm } from '../vms/seen/vm-reply.ts';

/** Resolves with its name, which is that of its Idempotency-Key where it gives none. @throws ApiProblem. */
export async function acceptCreate(
  {
    project,
    body,
    headers,
  }: Pick<
    KeyedRequest<unknown, unknown, { 'idempotency-key'?: string | undefined }, CreateVmBody>,
    'project' | 'body' | 'headers'
  >,
  api: ApiContext,
): Promise<string> {
  const { spec } = await checkedCreate(api, { project, body });
  secretInputOf(body, spec.env);
  await refuseUnplaceable(api, spec);
  const key = headers['idempotency-key'];
  if (body.name !== undefined) return body.name;
  if (key === undefined) throw new Error('a create that is done later has a key');
  return nameForKey(idempotencyKeyHash(project, key));
}

/** Resolves with the name. @throws ApiProblem `unknownVm`, `unsupportedAction`. */
export async function acceptPower(
  api: ApiContext,
  project: string,
  name: string,
  action: PowerAction,
): Promise<string> {
  // What waits may make the VM, or another one of the name.
  if (await waits(api, project, name)) return name;
  const { record } = await describedVm(api, project, name);
  refuseUnsupportedAction(descriptorOf(record.view.provider), action);
  return name;
}

/** Resolves with the name. @throws ApiProblem `neverClosed`. */
export async function acceptReopen(api: ApiContext, project: string, name: string): Promise<string> {
  if (await waits(api, project, name)) return name;
  const family = await api.images.find(project, name);
  const isClosed = family?.session?.name === name && newestReady(family.images, name) !== undefined;
  const latest = isClosed ? undefined : await api.directory.describe(project, name);
  // One that is being closed has no image yet.
  if (!isClosed && latest?.record.view.pendingImage?.closes !== true) {
    throw new ApiProblem('neverClosed', `${name} was never closed in the project of this key`);
  }
  return name;
}

/** Resolves with the name. @throws ApiProblem `unknownVm`, `forbidden`. */
export async function acceptDestroy(
  {
    project,
    params,
    query,
    caller,
  }: Pick<
    KeyedRequest<{ name: string }, { force?: boolean | undefined }, unknown, unknown>,
    'project' | 'params' | 'query' | 'caller'
  >,
  api: ApiContext,
): Promise<string> {
  if (query.force === true) requireRole(caller, 'admin');
  if (!(await waits(api, project, params.name))) await describedVm(api, project, params.name);
  return params.name;
}

async function waits(api: ApiContext, project: string, name: string): Promise<boolean> {
  const known = await api.requests.find(project, name);
  if (known === undefined) return false;
  const isWaiting = known.view.requests.some(({ state }) => state === 'queued' || state === 'running');
  return isWaiting || known.unread.accepted.length > 0 || known.isReading;
}
