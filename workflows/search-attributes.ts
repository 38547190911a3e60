import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTE } from '../domain/wire-names.ts';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

/** The search attributes that workflows set. */
export const SEARCH_KEY = {
  project: keyword(SEARCH_ATTRIBUTE.project.name),
  template: keyword(SEARCH_ATTRIBUTE.template.name),
  provider: keyword(SEARCH_ATTRIBUTE.provider.name),
  host: keyword(SEARCH_ATTRIBUTE.host.name),
  machine: keyword(SEARCH_ATTRIBUTE.machine.name),
  state: keyword(SEARCH_ATTRIBUTE.state.name),
  updatedAt: defineSearchAttributeKey(SEARCH_ATTRIBUTE.updatedAt.name, SearchAttributeType.DATETIME),
} as const;
