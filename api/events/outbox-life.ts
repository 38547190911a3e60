import { withAbruptEnd, type OutboxLife } from '../../domain/outbox/event.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';

/** One life as the outbox has it, from what Temporal shows of its workflow. */
export function outboxLife({ view, timeline, closed }: VmRecord): OutboxLife {
  const { project, name: vm, uid, template, updatedAt, endedAt, detail } = view;
  const end = { at: endedAt ?? updatedAt, ...(detail === undefined ? {} : { detail }) };
  return {
    ...{ project, vm, uid, closed },
    ...(template === undefined ? {} : { template: template.name }),
    timeline: closed ? withAbruptEnd(timeline, end) : timeline,
  };
}
