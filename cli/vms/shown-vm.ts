/** How VMs are shown: a line in a table, or all that is known of one. */
import type { Vm } from '../../client/ephemera.ts';
import type { Shown } from '../output/print.ts';
import { age, shortDuration, type Colour } from '../output/text.ts';

const STATE_COLOURS: Partial<Record<Vm['state'], Colour>> = {
  running: 'green',
  draining: 'yellow',
  failed: 'red',
  destroying: 'yellow',
  destroyed: 'dim',
  stopped: 'dim',
  suspended: 'dim',
};

/** A VM as the table knows it; `createdBy` and others are for `-o wide`. */
export const SHOWN_VMS: Shown<Vm> = {
  nameOf: ({ name }) => name,
  none: 'no VMs (`ephemera create` makes one; `ephemera ls --all` shows those that have ended too)',
  columns: [
    { title: 'NAME', value: ({ name }) => name, leftOut: 0 },
    { title: 'STATE', value: ({ state }) => state, colour: stateColour, leftOut: 0 },
    { title: 'WHY', value: whyOf, shrinks: true, leftOut: 3 },
    { title: 'USERS', value: usersOf, leftOut: 2 },
    { title: 'AGE', value: ({ createdAt }, now) => age(createdAt, now), leftOut: 1 },
    { title: 'NEXT', value: nextOf, leftOut: 4 },
    { title: 'ADDRESS', value: addressOf, leftOut: 2 },
    { title: 'TEMPLATE', value: templateOf, leftOut: 5 },
    { title: 'PLACE', value: ({ host, zone }) => host ?? zone ?? '-', shrinks: true, leftOut: 6 },
    { title: 'PROVIDER', value: ({ provider }) => provider, isWide: true, leftOut: 7 },
    { title: 'MACHINE', value: ({ machineId = '-' }) => machineId, isWide: true, leftOut: 8 },
    { title: 'CREATED BY', value: ({ createdBy = '-' }) => createdBy, isWide: true, leftOut: 9 },
    { title: 'LABELS', value: labelsOf, isWide: true, shrinks: true, leftOut: 9 },
  ],
};

/** All of a VM for people. */
export function vmDetails(vm: Vm, now = Date.now()): (readonly [string, string])[] {
  const { address, nextDeadline: next } = vm;
  const ports = (address?.ports ?? []).map(({ name, port, protocol }) => `${name} ${port}/${protocol}`);
  return [
    ['Name', vm.name],
    ['State', vm.state],
    ['Reason', vm.reason ?? ''],
    ['Detail', vm.detail ?? ''],
    ['Alive because', vm.aliveBecause ?? ''],
    ['Health', vm.health === 'ok' ? '' : 'unknown: its agent is silent'],
    ['Users', vm.connections === undefined ? '' : usersOf(vm)],
    [
      'Next',
      next === undefined ? '' : `${nextOf(vm, now)} (${next.at})${next.detail === undefined ? '' : `: ${next.detail}`}`,
    ],
    ['Held until', vm.holdUntil ?? ''],
    ['Address', address === undefined ? '' : `${address.ip} (from the ${address.reach})`],
    ['Ports', ports.join(', ')],
    ['Template', vm.template === undefined ? '' : templateOf(vm)],
    ['Newer version', vm.newerVersion === undefined ? '' : `${vm.newerVersion}; it makes room once nobody uses it`],
    ['Provider', vm.provider],
    ['Place', vm.host ?? vm.zone ?? ''],
    ['Machine', vm.machineId ?? ''],
    ['Started from', vm.startedFrom ?? ''],
    ['Keeps', (vm.keeps ?? []).join(', ')],
    ['Labels', Object.keys(vm.labels).length === 0 ? '' : labelsOf(vm)],
    [
      'Created',
      `${vm.createdAt} (${age(vm.createdAt, now)} ago)${vm.createdBy === undefined ? '' : ` by ${vm.createdBy}`}`,
    ],
    ['Ready', vm.readyAt ?? ''],
    ['Ended', vm.endedAt ?? ''],
    ['Life', vm.uid],
    ['Workflow', vm.workflowId],
    ['Temporal', vm.temporalUiUrl ?? ''],
  ];
}

/** `booting: no room yet` */
export function stateLine({ state, reason, detail }: Vm): string {
  return [state, reason, detail].filter((word) => word !== undefined).join(': ');
}

function stateColour({ state, health }: Vm): Colour | undefined {
  return health === 'unknown' ? 'yellow' : STATE_COLOURS[state];
}

function whyOf({ reason, aliveBecause }: Vm): string {
  return reason ?? aliveBecause ?? '-';
}

function usersOf({ connections, health }: Vm): string {
  const count = connections === undefined ? '-' : String(connections);
  return health === 'unknown' ? `${count}?` : count;
}

function nextOf({ nextDeadline }: Vm, now: number): string {
  if (nextDeadline === undefined) return '-';
  return `${nextDeadline.kind} in ${shortDuration((Date.parse(nextDeadline.at) - now) / 1000)}`;
}

function addressOf({ address }: Vm): string {
  if (address === undefined) return '-';
  const [first] = address.ports;
  return first === undefined ? address.ip : `${address.ip}:${first.port}`;
}

function templateOf({ template }: Vm): string {
  return template === undefined ? '-' : `${template.name} v${template.version}`;
}

function labelsOf({ labels }: Vm): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
