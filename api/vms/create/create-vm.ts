/**
 * Create is get-or-create by name. Temporal decides who is first (conflict policy FAIL), so however many requests
 * come at once or again, one VM comes out; what the memo of the existing one says tells a repeat from a conflict.
 * A VM that is being destroyed answers no create: the request waits for its end and starts the next life of the name.
 */
import { randomUUID } from 'node:crypto';
import type { Rung } from '../../../domain/pool/reuse.ts';
import type { Reuse } from '../../../domain/template/state.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { descriptorOf } from '../../../providers/lookup.ts';
import type { Adoptable } from '../../../workflows/messages.ts';
import { refusePlainDelivery } from '../../agents/plain-connection.ts';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import { withSessionDisk } from '../../images/session-start.ts';
import { claimWarm } from '../../pools/claim-warm.ts';
import { chooseTemplate } from '../../templates/choose-template.ts';
import { isTemporalUnavailable } from '../../http/errors/temporal-errors.ts';
import { fieldAsksForNothing } from '../../../spec/field-values.ts';
import { SPEC_FIELDS } from '../../../spec/spec-fields.ts';
import type { CreateVmBody } from '../../../spec/spec-schemas.ts';
import { startVmAgain } from '../power/ask-power.ts';
import { givenBefore, heldByKey, noteGiven } from './given-vms.ts';
import { normaliseSpec } from './normalise-spec.ts';
import { refuseByRules } from './refuse-by-rules.ts';
import { secretInputOf } from './secret-input.ts';
import { idempotencyKeyHash, requestHash, specHash } from './spec-hash.ts';
import type { CallersTime } from '../waits/shared-waits.ts';
import { refuseDownProvider } from './refuse-down-provider.ts';
import { settledInTime, untilNameIsFree } from '../waits/settled-vm.ts';
import { startVm, type VmStart } from './start-vm.ts';
import type { DescribedVm } from '../seen/vm-directory.ts';
import { nameForKey, readableName } from './vm-names.ts';
import { isStopped, type VmRecord } from '../seen/vm-record.ts';

export interface Created {
  record: VmRecord;
  isNew: boolean;
  /** The request that made it came again: it asks for nothing more. */
  isRepeat?: true;
}

export interface CreateRequest {
  project: string;
  /** Id of the key that asks. */
  createdBy: string;
  body: CreateVmBody;
  idempotencyKey: string | undefined;
  /** How long the end of an earlier life of the name may be waited for. */
  time: CallersTime;
}

const NAME_ATTEMPTS = 5;

/** The spec of a request, which nothing that is known without starting it speaks against. @throws ApiProblem. */
export async function checkedCreate(
  api: ApiContext,
  request: Pick<CreateRequest, 'project' | 'body'>,
): Promise<{ choice: Awaited<ReturnType<typeof chooseTemplate>>; body: CreateVmBody; spec: VmSpec }> {
  const choice = await chooseTemplate(api, request.project, request.body);
  const body = choice === undefined ? request.body : { ...request.body, template: choice.name };
  const spec = normaliseSpec(body, api.settings.providers, choice);
  refuseByRules(spec, api.settings);
  refusePlainDelivery(spec, api.settings);
  return { choice, body, spec };
}

/**
 * Makes the VM that a request asks for, or finds the one an earlier, equal request made.
 * @throws ApiProblem `vmEnding` when an earlier life of the name does not end in time.
 */
export async function createVm(api: ApiContext, request: CreateRequest): Promise<Created> {
  const { project, createdBy, idempotencyKey, time } = request;
  const { choice, body, spec } = await checkedCreate(api, request);
  const secretInput = secretInputOf(body, spec.env);
  const keyHash = idempotencyKey === undefined ? null : idempotencyKeyHash(project, idempotencyKey);
  const reportsTo = choice?.reportsTo;
  const common = {
    project,
    createdBy,
    spec,
    // Who names a version asks for another VM than who takes the one that serves.
    asked: choice?.isPinned ? { ...body, template: request.body.template } : body,
    secretInput,
    idempotencyKeyHash: keyHash,
    pinned: choice?.isPinned ?? false,
    ...(reportsTo && { reportsTo }),
  };
  if (body.name !== undefined) {
    const start = vmStart(api, common, body.name, 'closedNameIsFree');
    return createNamed(api, { ...start, takesSession: body.fresh !== true }, time);
  }
  const wish = { template: choice?.name, isPlain: asksForTemplateAlone(request.body), reuse: choice?.reuse ?? 'none' };
  if (keyHash !== null) return createByKey(api, vmStart(api, common, nameForKey(keyHash), 'never'), wish, time);
  const claim = randomUUID();
  const given = await takeBack(api, { project, spec }, 'draining', wish, claim);
  return given === undefined ? createUnnamed(api, common, wish, claim) : { record: given, isNew: false };
}

type NamelessStart = Omit<VmStart, 'name' | 'unnamed' | 'reuse' | 'specHash' | 'requestHash'> & { asked: CreateVmBody };

function vmStart(api: ApiContext, common: NamelessStart, name: string, reuse: VmStart['reuse']): VmStart {
  const { asked, ...start } = common;
  const { project, spec, secretInput } = start;
  const unnamed = asked.name === undefined;
  const fingerprint = secretInput && api.sealedInputs.fingerprint({ project, name }, secretInput);
  const hashes = { specHash: specHash(spec, fingerprint), requestHash: requestHash(asked, fingerprint) };
  return { ...start, name, unnamed, reuse, ...hashes };
}

/** `takesSession`: where its name was closed, its disk begins with the image that is kept. */
type NamedStart = VmStart & { takesSession?: boolean };

async function createNamed(api: ApiContext, start: NamedStart, time: CallersTime): Promise<Created> {
  if (start.idempotencyKeyHash !== null) {
    // The name of a VM that this very request made is not free: the request is a repeat, even after the VM's end.
    const latest = await api.directory.describe(start.project, start.name);
    if (latest && isRepeat(latest, start)) return { ...existing(latest, start), isRepeat: true };
  }
  return getOrStart(api, start, time);
}

/** What a create without a name says of VMs that are there already. */
interface Wish {
  template: string | undefined;
  /** It names nothing but the template, so that whatever was made from that alone will do. */
  isPlain: boolean;
  reuse: Reuse;
}

function takeBack(
  api: ApiContext,
  { project, spec }: Pick<VmStart, 'project' | 'spec'>,
  rung: Rung,
  { isPlain, reuse }: Wish,
  claim: string,
): Promise<VmRecord | undefined> {
  if (!isPlain || reuse === 'none') return Promise.resolve(undefined);
  const canReset = descriptorOf(spec.provider).capabilities.reset;
  return api.reusedVms.take(project, rung, { spec, reuse, canReset }, claim);
}

/** What comes before a new machine: one that waits, then a VM that is stopped. */
async function instead(
  api: ApiContext,
  start: VmStart,
  wish: Wish,
  claim: string,
): Promise<{ adopt?: Adoptable | null; stopped?: VmRecord | undefined }> {
  if (!wish.isPlain || wish.reuse === 'none') return {};
  // Before a machine is granted that nobody could hand over.
  await refuseDownProvider(api, start, 'anyMachine');
  const adopt = await claimWarm(api, start);
  return { adopt, ...(adopt === null ? { stopped: await takeBack(api, start, 'stopped', wish, claim) } : {}) };
}

/** The first answer that a key got holds: the VM that was made for it, or one that was there already. */
async function createByKey(api: ApiContext, start: VmStart, wish: Wish, time: CallersTime): Promise<Created> {
  const { project, name, idempotencyKeyHash: claim } = start;
  if (claim === null) throw new Error('the create has no key');
  const held = await heldByKey(api, claim, start, wish);
  if (held !== undefined) return { ...existing(held, start), isRepeat: true };
  if (wish.reuse === 'none' || (await api.directory.describe(project, name))) return getOrStart(api, start, time);
  const before = await givenBefore(api, start);
  if (before !== undefined) return { ...existing(before, start), isRepeat: true };
  const drained = await takeBack(api, start, 'draining', wish, claim);
  const { adopt, stopped } = drained ? {} : await instead(api, start, wish, claim);
  const taken = drained ?? stopped;
  const given = taken && (await noteGiven(api, start, taken));
  if (given !== undefined) return { record: given, isNew: false };
  // Another request with the key may have got one that was on offer a moment ago.
  const meanwhile = await heldByKey(api, claim, start, wish);
  if (meanwhile !== undefined && taken === undefined) return { ...existing(meanwhile, start), isRepeat: true };
  return getOrStart(api, adopt === undefined ? start : { ...start, adopt }, time);
}

async function createUnnamed(api: ApiContext, common: NamelessStart, wish: Wish, claim: string): Promise<Created> {
  for (let attempt = 1; attempt <= NAME_ATTEMPTS; attempt += 1) {
    const start = vmStart(api, common, readableName(), 'closedNameIsFree');
    const { adopt, stopped } = await instead(api, start, wish, claim);
    if (stopped) return { record: stopped, isNew: false };
    const { record, unanswered } = await tryToStart(api, adopt === undefined ? start : { ...start, adopt });
    if (record) return noted(api, { record, isNew: true });
    if (unanswered === undefined) continue;
    // The reply was lost, perhaps not the start: nobody else uses this name, so what is found is ours.
    const found = await api.directory.describe(start.project, start.name).catch(() => undefined);
    if (found) return noted(api, { record: found.record, isNew: true });
    throw unanswered;
  }
  throw new Error('no free name was found');
}

async function getOrStart(api: ApiContext, start: NamedStart, time: CallersTime): Promise<Created> {
  // The existing VM may end, and its name become free, between the refused start and the look at it.
  for (let attempt = 1; attempt <= NAME_ATTEMPTS; attempt += 1) {
    const { start: asked, release } = await withDisk(api, start);
    const { record, unanswered } = await tryToStart(api, asked);
    // A start without an answer may still come: its image is held until that is over.
    if (unanswered === undefined) release?.();
    if (record) return noted(api, { record, isNew: true });
    const found = await api.directory.describe(start.project, start.name);
    if (!found && unanswered === undefined) {
      const given = start.reuse === 'never' ? await givenBefore(api, start) : undefined;
      if (given) return { ...existing(given, start), isRepeat: true };
      await refuseTakenElsewhere(api, start);
    }
    if (found) api.projection.see(found.record);
    if (found && isRepeat(found, start)) return { ...existing(found, start), isRepeat: true };
    if (found && !found.record.closed) {
      const settled = await settledInTime(api, found, time);
      if (settled.record.closed) continue;
      if (!settled.ending) return awake(api, existing(settled, start));
      await untilNameIsFree(api, settled.record, time);
    } else if (unanswered !== undefined) throw unanswered;
  }
  throw new ApiProblem('temporalUnavailable', `The name ${start.name} is taken and given up again and again`);
}

/** Looked at before each try: the life that a create waits for may be closing. */
async function withDisk(
  api: ApiContext,
  { takesSession, ...start }: NamedStart,
): Promise<{ start: VmStart; release?: () => void }> {
  if (takesSession !== true) return { start };
  // Costs no call while its VM lives: should that have ended a moment ago, nothing starts, and the next try looks.
  const known = api.projection.get(vmWorkflowId(start.project, start.name));
  if (known?.closed === false) return { start: { ...start, reuse: 'never' } };
  const { project, name } = start;
  const session = await withSessionDisk(api, { project, name, spec: start.spec });
  if (session === undefined) return { start };
  // What is on that disk may be the fault of a failure, and no version's of its template.
  const fromImage: VmStart = { ...start, spec: session.spec };
  delete fromImage.reportsTo;
  return { start: fromImage, release: session.release };
}

async function refuseTakenElsewhere(api: ApiContext, { project, name }: VmStart): Promise<void> {
  if (!(await api.directory.isTakenElsewhere(project, name))) return;
  throw new ApiProblem('nameTaken', `${name} of project ${project} is a VM of another deployment`);
}

/** Whoever asks for a VM that is stopped gets it back; the same one, with its disk. */
async function awake(api: ApiContext, created: Created): Promise<Created> {
  if (!isStopped(created.record)) return created;
  return { ...created, record: (await startVmAgain(api, created.record)).record };
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
  // A template may have another version by now: who asks for the same gets the VM that is there.
  const asksForTheSame = start.requestHash !== null && found.requestHash === start.requestHash;
  if (found.specHash === start.specHash || asksForTheSame) return { record: found.record, isNew: false };
  if (isRepeat(found, start)) {
    throw new ApiProblem('idempotencyConflict', 'The request with this Idempotency-Key asked for another spec');
  }
  const workflowId = vmWorkflowId(start.project, start.name);
  throw new ApiProblem('specConflict', `${workflowId} was created with another spec, template or override`);
}

function asksForTemplateAlone(body: CreateVmBody): boolean {
  return Object.entries(body).every(
    ([field, value]) => field === 'template' || fieldAsksForNothing(SPEC_FIELDS, field, value),
  );
}

function noted(api: ApiContext, created: Created): Created {
  api.projection.started(created.record);
  return created;
}
