import { Group } from '@mantine/core';
import { Link } from 'react-router';
import { Badge, StateBadge, words } from '../../parts/badge.tsx';
import { Ago, Until } from '../../parts/time.tsx';
import { hasEnded, type Vm } from '../feed/vm-store.ts';
import type { SortKey } from './vm-filter.ts';

export interface VmColumn {
  label: string;
  sort?: SortKey;
  cell: (vm: Vm) => React.ReactNode;
}

/** The state of a VM, with what makes it less certain. */
export function VmState({ vm }: { vm: Vm }) {
  return (
    <Group gap={6} wrap="nowrap">
      <StateBadge state={vm.state} />
      {vm.health === 'unknown' && <Badge tone="warning">silent</Badge>}
    </Group>
  );
}

/** Why it is alive, or why it is not any more. */
export function why(vm: Vm): string {
  if (vm.reason !== undefined && (hasEnded(vm) || vm.aliveBecause === null)) return words(vm.reason);
  if (vm.aliveBecause === null) return hasEnded(vm) ? 'ended' : 'ending';
  return words(vm.aliveBecause);
}

export function addressOf(vm: Vm): string | undefined {
  if (vm.address === undefined) return undefined;
  const [port] = vm.address.ports;
  return port === undefined ? vm.address.ip : `${vm.address.ip}:${port.port}`;
}

export const VM_COLUMNS: readonly VmColumn[] = [
  {
    label: 'Name',
    sort: 'name',
    cell: (vm) => (
      <Link to={`/vms/${vm.name}`} className="vm-link">
        {vm.name}
      </Link>
    ),
  },
  { label: 'State', sort: 'state', cell: (vm) => <VmState vm={vm} /> },
  { label: 'Why', cell: why },
  { label: 'Connections', sort: 'connections', cell: (vm) => vm.connections ?? '–' },
  { label: 'Age', sort: 'createdAt', cell: (vm) => <Ago at={vm.createdAt} /> },
  {
    label: 'Next deadline',
    sort: 'nextDeadline',
    cell: (vm) =>
      vm.nextDeadline === undefined ? (
        '–'
      ) : (
        <>
          {words(vm.nextDeadline.kind)} <Until at={vm.nextDeadline.at} />
        </>
      ),
  },
  { label: 'Address', cell: (vm) => <span className="mono">{addressOf(vm) ?? '–'}</span> },
  {
    label: 'Template',
    sort: 'template',
    cell: (vm) => (vm.template === undefined ? '–' : `${vm.template.name}@${vm.template.version}`),
  },
  { label: 'Host', sort: 'host', cell: (vm) => vm.host ?? vm.zone ?? '–' },
];
