import { plainInMarkdown } from '../plain-in-markdown.ts';
import { timelineView, vmView } from './view.ts';
import type { Vm } from './state.ts';

/** What a person who opens the VM in the Temporal Web UI reads first. Markdown. */
export function currentDetails(vm: Vm, now: number): string {
  const view = vmView(vm, now);
  const address = view.address
    ? `${view.address.ip} (${view.address.ports.map(({ name, port }) => `${name} ${port}`).join(', ')})`
    : 'none yet';
  const deadlineDetail = view.nextDeadline?.detail ? `, for ${plainInMarkdown(view.nextDeadline.detail)}` : '';
  const rows = [
    `**State**: ${view.state}${view.reason ? `, because \`${view.reason}\`` : ''}${view.detail ? ` (${plainInMarkdown(view.detail)})` : ''}`,
    `**Alive because**: ${view.aliveBecause === null ? 'it is not any more' : `\`${view.aliveBecause}\``}`,
    ...(view.keeps ? [`**Keeps**: ${view.keeps.join(', ')}; \`start\` or a create of its name brings it back`] : []),
    `**Connections**: ${view.connections ?? 'nobody counts'}${view.health === 'unknown' ? ' (unknown: the agent is silent)' : ''}`,
    `**Address**: ${address}`,
    `**Next deadline**: ${view.nextDeadline ? `\`${view.nextDeadline.kind}\` at ${view.nextDeadline.at}${deadlineDetail}` : 'none'}`,
    ...(view.holdUntil ? [`**Held until**: ${view.holdUntil}`] : []),
    `**Machine**: \`${view.machineId}\` by ${view.provider}${view.host ? ` on ${view.host}` : ''}`,
  ];
  const story = timelineView(vm, 5).map(
    (entry) =>
      `- ${entry.at} ${entry.kind === 'state' ? `**${entry.state}**` : entry.kind}` +
      `${entry.reason ? ` (${entry.reason})` : ''}${entry.detail ? `: ${plainInMarkdown(entry.detail)}` : ''}`,
  );
  return [...rows.map((row) => `- ${row}`), '', '**Latest**', '', ...story].join('\n');
}
