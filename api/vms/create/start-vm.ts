import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import type { SecretInput } from '../../../domain/machine/sealed-input.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { SEARCH_ATTRIBUTE, vmWorkflowId, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import { descriptorOf } from '../../../providers/lookup.ts';
import type { Adoptable, VmInput } from '../../../workflows/messages.ts';
import type { ApiContext } from '../../api-context.ts';
import { claimWarm } from '../../pools/claim-warm.ts';
import { refuseDownProvider } from './refuse-down-provider.ts';
import { refuseUnplaceable } from './refuse-unplaceable.ts';
import { initialView, startMemo } from '../seen/vm-memo.ts';
import type { VmRecord } from '../seen/vm-record.ts';

const START_SECONDS = 5;

const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state.name, SearchAttributeType.KEYWORD);
const PROJECT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.project.name, SearchAttributeType.KEYWORD);
const TEMPLATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.template.name, SearchAttributeType.KEYWORD);
const PROVIDER = defineSearchAttributeKey(SEARCH_ATTRIBUTE.provider.name, SearchAttributeType.KEYWORD);
const LABELS = defineSearchAttributeKey(SEARCH_ATTRIBUTE.labels.name, SearchAttributeType.KEYWORD_LIST);
const UPDATED_AT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.updatedAt.name, SearchAttributeType.DATETIME);

export interface VmStart {
  project: string;
  name: string;
  spec: VmSpec;
  /** Id of the API key that asks. */
  createdBy: string;
  secretInput: SecretInput | null;
  specHash: string;
  requestHash: string | null;
  idempotencyKeyHash: string | null;
  /** A name that a closed VM had is free again, unless it stands for an Idempotency-Key. */
  reuse: 'closedNameIsFree' | 'never';
  /** The caller chose no name. */
  unnamed: boolean;
  /** The request named the version of its template. */
  pinned?: boolean;
  /** The warm machine that was claimed for it, null where none waits; absent: that is still to be asked. */
  adopt?: Adoptable | null;
  /** The template that learns from the VM's start. */
  reportsTo?: NonNullable<VmInput['reportsTo']>;
}

/** Starts the workflow. Returns undefined when one of this name is there already. */
export async function startVm(api: ApiContext, start: VmStart): Promise<VmRecord | undefined> {
  const { project, name, spec, createdBy, secretInput } = start;
  let adopt: Adoptable | null;
  try {
    await refuseUnplaceable(api, spec);
    await refuseDownProvider(api, start, 'anyMachine');
    adopt = start.adopt === undefined ? await claimWarm(api, start) : start.adopt;
    if (adopt === null) await refuseDownProvider(api, start, 'newMachine');
  } catch (problem) {
    // A live VM of this name is the answer, also after its host has gone.
    const found = await api.directory.describe(project, name);
    if (found?.record.closed === false) return undefined;
    throw problem;
  }
  const workflowId = vmWorkflowId(project, name);
  const at = api.now();
  const memo = startMemo(start, at);
  const claim = { workflowId, spec };
  const sealed = secretInput === null ? null : api.sealedInputs.seal(claim, secretInput);
  const signature = api.startSignatures.sign(claim, sealed);
  const { placement } = descriptorOf(spec.provider);
  const input: VmInput = {
    ...{ project, name, spec, createdBy, signature, placement },
    ...(sealed === null ? {} : { sealed }),
    ...(start.reportsTo === undefined ? {} : { reportsTo: start.reportsTo }),
    ...(start.unnamed ? { unnamed: true } : {}),
    ...(start.pinned === true ? { pinned: true } : {}),
    ...(adopt === null ? {} : { adopt }),
  };
  try {
    const handle = await api.directory.within(
      () =>
        api.client.workflow.start(WORKFLOW_TYPE.vm, {
          workflowId,
          taskQueue: api.settings.temporal.controlTaskQueue,
          args: [input],
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
          workflowIdReusePolicy:
            start.reuse === 'never' ? WorkflowIdReusePolicy.REJECT_DUPLICATE : WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          memo,
          typedSearchAttributes: attributes(start, at),
          staticSummary: `${spec.template?.name ?? spec.image} on ${spec.provider} for project ${project}`,
        }),
      START_SECONDS,
    );
    const runId = handle.firstExecutionRunId;
    return { workflowId, runId, closed: false, view: { ...initialView(start, at), uid: runId }, timeline: [] };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

function attributes({ project, spec }: VmStart, at: number): SearchAttributePair[] {
  const labels = Object.entries(spec.labels).map(([key, value]) => `${key}=${value}`);
  return [
    { key: STATE, value: 'creating' },
    { key: PROJECT, value: project },
    { key: PROVIDER, value: spec.provider },
    { key: UPDATED_AT, value: new Date(at) },
    ...(spec.template === null ? [] : [{ key: TEMPLATE, value: spec.template.name }]),
    ...(labels.length === 0 ? [] : [{ key: LABELS, value: labels }]),
  ];
}
