import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { chatTemplateSpec } from '../../test-support/vm/chat-spec.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { newVm } from '../../domain/vm/state.ts';
import { vmMemo } from '../../domain/vm/view.ts';
import { MEMO, SEARCH_ATTRIBUTE, vmWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { signedStart } from '../../test-support/signed-start.ts';
import type { VmInput } from '../../workflows/messages.ts';
import type { runVm } from '../../workflows/vm/vm.ts';

const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state.name, SearchAttributeType.KEYWORD);
const PROJECT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.project.name, SearchAttributeType.KEYWORD);
const PROVIDER = defineSearchAttributeKey(SEARCH_ATTRIBUTE.provider.name, SearchAttributeType.KEYWORD);
const TEMPLATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.template.name, SearchAttributeType.KEYWORD);
const LABELS = defineSearchAttributeKey(SEARCH_ATTRIBUTE.labels.name, SearchAttributeType.KEYWORD_LIST);
const UPDATED_AT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.updatedAt.name, SearchAttributeType.DATETIME);

export type VmHandle = WorkflowHandleWithFirstExecutionRunId<typeof runVm>;
type SpecChanges = Partial<Omit<VmSpec, 'idle'>> & { idle?: Partial<VmSpec['idle']> };

/** The built-in template `chat` on `local`, with changes. */
export function chatSpec({ idle, ...changes }: SpecChanges = {}): VmSpec {
  const chat = chatTemplateSpec('local');
  return { ...chat, ...changes, idle: { ...chat.idle, ...idle } };
}

/** Starts a VM's workflow with the memo and the search attributes that the API gives it. */
export function startVm(
  client: Client,
  taskQueue: string,
  name: string,
  spec: VmSpec,
  input: Partial<VmInput> = {},
): Promise<VmHandle> {
  const project = 'default';
  const at = Date.now();
  const { view } = vmMemo(newVm({ project, name, spec, uid: '', machineId: '', at }), at);
  const labels = Object.entries(spec.labels).map(([key, value]) => `${key}=${value}`);
  return client.workflow.start<typeof runVm>(WORKFLOW_TYPE.vm, {
    workflowId: vmWorkflowId(project, name),
    taskQueue,
    args: [signedStart({ project, name, spec, ...input })],
    memo: { [MEMO.vm]: { view, timeline: [] }, [MEMO.spec]: spec, [MEMO.specHash]: 'bench' },
    typedSearchAttributes: [
      { key: STATE, value: 'creating' },
      { key: PROJECT, value: project },
      { key: PROVIDER, value: spec.provider },
      { key: TEMPLATE, value: spec.template?.name ?? '' },
      { key: UPDATED_AT, value: new Date(at) },
      ...(labels.length === 0 ? [] : [{ key: LABELS, value: labels }]),
    ],
  });
}
