import { timelineView, vmView } from './vm-view.ts';
import type { Vm } from './vm-state.ts';

/** What a person who opens the VM in the Temporal Web UI reads first. Markdown. */
export function currentDetails(vm: Vm, now: number): string {
  const view = vmView(vm, now);
  const address = view.address
    ? `${view.address.ip} (${view.address.ports.map(({ name, port }) => `${name} ${port}`).join(', ')})`
    : 'none yet';
  const rows = [
    `**State**: ${view.state}${view.reason ? `, because \`${view.reason}\`` : ''}${view.detail ? ` (${plain(view.detail)})` : ''}`,
    `**Alive because**: ${view.aliveBecause === null ? 'it is not any more' : `\`${view.aliveBecause}\``}`,
    `**Connections**: ${view.connections ?? 'nobody counts'}${view.health === 'unknown' ? ' (unknown: the agent is silent)' : ''}`,
    `**Address**: ${address}`,
    `**Next deadline**: ${view.nextDeadline ? `\`${view.nextDeadline.kind}\` at ${view.nextDeadline.at}` : 'none'}`,
    ...(view.holdUntil ? [`**Held until**: ${view.holdUntil}`] : []),
    `**Machine**: \`${view.machineId}\` by ${view.provider}${view.host ? ` on ${view.host}` : ''}`,
  ];
  const story = timelineView(vm, 5).map(
    (entry) =>
      `- ${entry.at} ${entry.kind === 'state' ? `**${entry.state}**` : entry.kind}` +
      `${entry.reason ? ` (${entry.reason})` : ''}${entry.detail ? `: ${plain(entry.detail)}` : ''}`,
  );
  return [...rows.map((row) => `- ${row}`), '', '**Latest**', '', ...story].join('\n');
}

/** A detail may quote what a machine printed: nobody's output formats, links or hides anything here. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_~[\]<>|&]/g, (mark) => `\\${mark}`);
}
