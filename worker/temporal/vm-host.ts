import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';

const HOST = defineSearchAttributeKey(SEARCH_ATTRIBUTE.host.name, SearchAttributeType.KEYWORD);

/** Tells of a workflow which host other than `hostId` has its machine; undefined where none is known to have one. */
export function otherHostOf(client: Client, hostId: string): (workflowId: string) => Promise<string | undefined> {
  return async (workflowId) => {
    try {
      const { typedSearchAttributes } = await client.workflow.getHandle(workflowId).describe();
      const host = typedSearchAttributes.get(HOST);
      return host === hostId ? undefined : host;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };
}
