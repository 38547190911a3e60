/**
 * Create is get-or-create by name. Temporal decides who is first (conflict policy FAIL), so however many requests
 * come at once or again, one VM comes out; what the memo of the existing one says tells a repeat from a conflict.
 * A VM that is being destroyed is nobody's answer: the create waits for its end and starts the next life of the name.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { refusePlainDelivery } from '../agents/plain-connection.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/problem.ts';
import { isTemporalUnavailable } from '../http/temporal-errors.ts';
import type { CreateVmBody } from '../schemas/create-vm.ts';
import { normaliseSpec } from './normalise-spec.ts';
import { refuseByRules } from './refuse-by-rules.ts';
import { secretInputOf } from './secret-input.ts';
import { idempotencyKeyHash, specHash } from './spec-hash.ts';
import { secondsLeft, type CallersTime } from './shared-waits.ts';
import { startVm, type VmStart } from './start-vm.ts';
import type { DescribedVm, SettledVm } from './vm-directory.ts';
import { nameForKey, readableName } from './vm-names.ts';
import type { VmRecord } from './vm-record.ts';
import { presented } from './vm-reply.ts';

export interface Created {
  record: VmRecord;
  isNew: boolean;
}

export interface CreateRequest {
  project: string;
  body: CreateVmBody;
  idempotencyKey: string | undefined;
  /** How long the end of an earlier life of the name may be waited for. */
  time: CallersTime;
}

const NAME_ATTEMPTS = 5;
const RETRY_AFTER_SECONDS = 5;
const LOOK_AGAIN_MS = 500;

/**
 * Makes the VM that a request asks for, or finds the one an earlier, equal request made.
 * @throws ApiProblem `vmEnding` when an earlier life of the name does not end in time.
 */
export async function createVm(api: ApiContext, request: CreateRequest): Promise<Created> {
  const { project, body, idempotencyKey, time } = request;
  const spec = normaliseSpec(body, api.settings.providers);
  refuseByRules(spec, api.settings);
  refusePlainDelivery(spec, api.settings);
  const secretInput = secretInputOf(body, spec.env);
  const keyHash = idempotencyKey === undefined ? null : idempotencyKeyHash(project, idempotencyKey);
  const common = { project, spec, secretInput, idempotencyKeyHash: keyHash };
  if (body.name !== undefined) return createNamed(api, vmStart(api, common, body.name, 'closedNameIsFree'), time);
  if (keyHash !== null) return getOrStart(api, vmStart(api, common, nameForKey(keyHash), 'never'), time);
  return createUnnamed(api, common);
}

type NamelessStart = Omit<VmStart, 'name' | 'reuse' | 'specHash'>;

function vmStart(api: ApiContext, common: NamelessStart, name: string, reuse: VmStart['reuse']): VmStart {
  const { project, spec, secretInput } = common;
  const fingerprint = secretInput && api.sealedInputs.fingerprint({ project, name }, secretInput);
  return { ...common, name, reuse, specHash: specHash(spec, fingerprint) };
}

async function createNamed(api: ApiContext, start: VmStart, time: CallersTime): Promise<Created> {
  if (start.idempotencyKeyHash !== null) {
    // The name of a VM that this very request made is not free: the request is a repeat, even after the VM's end.
    const latest = await api.directory.describe(start.project, start.name);
    if (latest && isRepeat(latest, start)) return existing(latest, start);
  }
  return getOrStart(api, start, time);
}

async function createUnnamed(api: ApiContext, common: NamelessStart): Promise<Created> {
  for (let attempt = 1; attempt <= NAME_ATTEMPTS; attempt += 1) {
    const start = vmStart(api, common, readableName(), 'closedNameIsFree');
    const { record, unanswered } = await tryToStart(api, start);
    if (record) return noted(api, { record, isNew: true });
    if (unanswered === undefined) continue;
    // The reply was lost, perhaps not the start: nobody else uses this name, so what is found is ours.
    const found = await api.directory.describe(start.project, start.name).catch(() => undefined);
    if (found) return noted(api, { record: found.record, isNew: true });
    throw unanswered;
  }
  throw new Error('no free name was found');
}

async function getOrStart(api: ApiContext, start: VmStart, time: CallersTime): Promise<Created> {
  // The existing VM may end, and its name become free, between the refused start and the look at it.
  for (let attempt = 1; attempt <= NAME_ATTEMPTS; attempt += 1) {
    const { record, unanswered } = await tryToStart(api, start);
    if (record) return noted(api, { record, isNew: true });
    const found = await api.directory.describe(start.project, start.name);
    if (found) api.projection.see(found.record);
    if (found && isRepeat(found, start)) return existing(found, start);
    if (found && !found.record.closed) {
      const settled = await settledInTime(api, found, time);
      if (settled.record.closed) continue;
      if (!settled.ending) return existing(settled, start);
      await untilNameIsFree(api, settled.record, time);
    } else if (unanswered !== undefined) throw unanswered;
  }
  throw new ApiProblem('temporalUnavailable', `The name ${start.name} is taken and given up again and again`);
}

/**
 * A worker that died with a task of the VM hides what was sent since, until Temporal takes the task back: 10 s at most.
 * @throws ApiProblem `temporalUnavailable` when the caller has less time.
 */
async function settledInTime(api: ApiContext, first: DescribedVm, time: CallersTime): Promise<DescribedVm & SettledVm> {
  for (let found = first; ;) {
    const settled = await api.directory.settled(found);
    if (found.record.closed || settled.ending !== 'unknown') return { ...found, ...settled };
    const { project, name } = found.record.view;
    if (secondsLeft(time) === 0) {
      throw new ApiProblem('temporalUnavailable', `Nobody could say yet whether ${name} lives on`, {
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal: time.gone }).catch(() => undefined);
    found = (await api.directory.describe(project, name)) ?? found;
  }
}

/** @throws ApiProblem `vmEnding` when the life that ends takes longer than the caller has time. */
async function untilNameIsFree(api: ApiContext, ending: VmRecord, time: CallersTime): Promise<void> {
  if (await api.endWaiters.wait(ending, time)) return;
  const latest = await api.directory.sameLife(ending);
  if (latest.closed) return;
  const { name, uid } = latest.view;
  throw new ApiProblem('vmEnding', `The machine of ${name} (uid ${uid}) is not confirmed gone yet`, {
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    members: { vm: presented(api, latest) },
  });
}

/** The request that made the VM, sent again: its answer is that VM, whatever became of it. */
function isRepeat(found: DescribedVm, { reuse, idempotencyKeyHash: keyHash }: VmStart): boolean {
  return reuse === 'never' || (keyHash !== null && found.idempotencyKeyHash === keyHash);
}

/** The started VM, or nothing when the name is taken, or the error when Temporal gave no answer. */
async function tryToStart(api: ApiContext, start: VmStart): Promise<{ record?: VmRecord; unanswered?: Error }> {
  try {
    const record = await startVm(api, start);
    return record ? { record } : {};
  } catch (error) {
    if (error instanceof Error && isTemporalUnavailable(error)) return { unanswered: error };
    throw error;
  }
}

function existing(found: DescribedVm, start: VmStart): Created {
  if (found.specHash === start.specHash) return { record: found.record, isNew: false };
  if (isRepeat(found, start)) {
    throw new ApiProblem('idempotencyConflict', 'The request with this Idempotency-Key asked for another spec');
  }
  const workflowId = vmWorkflowId(start.project, start.name);
  throw new ApiProblem('specConflict', `${workflowId} was created with another spec, template or override`);
}

function noted(api: ApiContext, created: Created): Created {
  api.projection.started(created.record);
  return created;
}
