import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { refuseByRules } from '../vms/create/refuse-by-rules.ts';
import type { CallersTime } from '../vms/waits/shared-waits.ts';
import { settledInTime, untilNameIsFree } from '../vms/waits/settled-vm.ts';
import { idempotencyKeyHash, specHash } from '../vms/create/spec-hash.ts';
import { startVm, type VmStart } from '../vms/create/start-vm.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';
import { presented } from '../vms/seen/vm-reply.ts';
import { sessionStart } from './session-start.ts';

const ATTEMPTS = 5;
const LOOK_AGAIN_MS = 200;

export interface ReopenRequest {
  project: string;
  name: string;
  /** Id of the key that asks. */
  createdBy: string;
  idempotencyKey: string | undefined;
  /** How long the end of the present life of the name may be waited for. */
  time: CallersTime;
}

/**
 * Starts the next life of a name that was closed, with the spec and the secrets that it had, from its newest image. A life
 * that is being closed is waited for. @throws ApiProblem `vmLive`, `vmEnding`, and those of `sessionStart`.
 */
export async function reopen(
  api: ApiContext,
  { project, name, createdBy, idempotencyKey, time }: ReopenRequest,
): Promise<{ record: VmRecord; isRepeat: boolean }> {
  const keyHash = idempotencyKey === undefined ? null : idempotencyKeyHash(project, idempotencyKey);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (keyHash !== null) {
      const latest = await api.directory.describe(project, name);
      if (latest?.idempotencyKeyHash === keyHash) return { record: latest.record, isRepeat: true };
    }
    await requireFree(api, project, name, time);
    const { start, release } = await startOf(api, { project, name, createdBy, keyHash });
    const record = await startVm(api, start);
    release();
    if (record !== undefined) {
      api.projection.started(record);
      return { record, isRepeat: false };
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal: time.gone }).catch(() => undefined);
  }
  throw new ApiProblem('temporalUnavailable', `The name ${name} is taken and given up again and again`);
}

async function startOf(
  api: ApiContext,
  {
    project,
    name,
    createdBy,
    keyHash,
  }: Pick<ReopenRequest, 'project' | 'name' | 'createdBy'> & { keyHash: string | null },
): Promise<{ start: VmStart; release: () => void }> {
  const { spec, secretInput, requestHash, release } = await sessionStart(api, project, name);
  try {
    // What the deployment allows may be less by now.
    refuseByRules(spec, api.settings);
  } catch (error) {
    release();
    throw error;
  }
  const fingerprint = secretInput && api.sealedInputs.fingerprint({ project, name }, secretInput);
  const plain = { ...spec };
  delete plain.startFrom;
  const start: VmStart = {
    ...{ project, name, spec, createdBy, secretInput, requestHash },
    ...{
      specHash: specHash(plain, fingerprint),
      idempotencyKeyHash: keyHash,
      reuse: 'closedNameIsFree',
      unnamed: false,
    },
  };
  return { start, release };
}

/** @throws ApiProblem `vmLive` where a VM of the name lives on, `vmEnding` where its end takes longer than there is time. */
async function requireFree(api: ApiContext, project: string, name: string, time: CallersTime): Promise<void> {
  const found = await api.directory.describe(project, name);
  if (found === undefined || found.record.closed) return;
  const { record, ending } = await settledInTime(api, found, time);
  if (record.closed) return;
  if (ending || record.view.pendingImage?.closes === true) {
    await untilNameIsFree(api, record, time);
    return;
  }
  throw new ApiProblem('vmLive', `${name} is ${record.view.state}`, { members: { vm: presented(api, record) } });
}
