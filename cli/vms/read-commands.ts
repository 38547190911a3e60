/** What there is to see of VMs: ls, get, timeline, console. */
import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InputOf, TimelineEntry, Vm } from '../../client/ephemera.ts';
import {
  command,
  orDidYouMean,
  withDeployment,
  withOutput,
  withSession,
  type Cli,
  type CommonOptions,
} from '../context.ts';
import { printList, printOne, type Shown } from '../output/print.ts';
import { SHOWN_VMS, vmDetails } from './shown-vm.ts';
import { newText } from './console-text.ts';
import { watchVms } from './watch.ts';

const ALL_STATES = [
  ...['creating', 'booting', 'running', 'draining', 'stopping', 'stopped', 'imaging', 'starting'],
  ...['suspending', 'suspended', 'resuming', 'destroying', 'destroyed', 'failed'],
] as Vm['state'][];
/** The API takes so many states at once. */
const STATES_AT_ONCE = 8;
const CONSOLE_POLL_MS = 1000;
const ENDED = ['destroyed', 'failed'];

interface ListOptions extends CommonOptions {
  state?: string[];
  template?: string;
  label?: string[];
  host?: string;
  inUse?: boolean;
  all?: boolean;
  watch?: boolean;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function lsCommand(cli: Cli): Command {
  const one = command('ls', 'Lists the VMs of the project.', [
    ['ephemera ls', 'those that live'],
    ['ephemera ls --watch', 'stays, and shows each change'],
    ['ephemera ls -l game=42 --state running -o name', 'names of some, one a line'],
    ['ephemera ls --all -o json', 'with those that have ended, as an array'],
  ])
    .alias('list')
    .option('-s, --state <STATE>', 'only in this state; as often as needed (default: all that live)', collect)
    .option('-t, --template <NAME>', 'only of this template (default: all)')
    .option('-l, --label <KEY=VALUE>', 'only with this label; as often as needed (default: all)', collect)
    .option('--host <ID>', 'only on this host (default: all)')
    .option('--in-use', 'only those that somebody uses (default: all)')
    .option('-a, --all', 'those that have ended too (default: off)')
    .option('--watch', 'stays, and shows changes as they come (default: off)');
  return withOutput(one).action((options: ListOptions) =>
    withSession(cli, options, async (session) => {
      const read = async (): Promise<Vm[]> => {
        const all: Vm[] = [];
        for (const filter of filtersOf(options)) {
          for await (const vm of session.ephemera.vms.all(filter, { signal: session.signal })) all.push(vm);
        }
        return all.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
      };
      if (options.watch) await watchVms(session, read);
      else printList(await read(), SHOWN_VMS, session.format);
    }),
  );
}

function filtersOf({ state, all, template, label, host, inUse }: ListOptions): InputOf<'listVms'>[] {
  const rest = { template, label, host, inUse };
  const states = all ? ALL_STATES : (state as Vm['state'][] | undefined);
  if (states === undefined) return [rest];
  const filters: InputOf<'listVms'>[] = [];
  for (let at = 0; at < states.length; at += STATES_AT_ONCE) {
    filters.push({ ...rest, state: states.slice(at, at + STATES_AT_ONCE) });
  }
  return filters;
}

export function getCommand(cli: Cli): Command {
  const one = command('get', 'Shows all of a VM: its state, why it is alive, what comes next, where it is.', [
    ['ephemera get lobby', 'for people'],
    ['ephemera get lobby -o json | jq -r .address.ip', 'for scripts'],
  ])
    .argument('<name>', 'the VM')
    .option('--fresh', 'asks its workflow itself (default: from memory, about a second old)');
  return withOutput(one).action((name: string, options: CommonOptions & { fresh?: boolean }) =>
    withSession(cli, options, async (session) => {
      const { signal, ephemera, format } = session;
      const { fresh = false } = options;
      const vm = await orDidYouMean(session, name, ephemera.vms.get(name, { signal, fresh }));
      if (format === 'wide') printList([vm], SHOWN_VMS, format);
      else printOne(vm, vm.name, () => vmDetails(vm), format);
    }),
  );
}

const SHOWN_TIMELINE: Shown<TimelineEntry> = {
  nameOf: ({ number }) => String(number),
  none: 'nothing is known of it any more',
  columns: [
    { title: 'NO', value: ({ number }) => String(number), leftOut: 3 },
    { title: 'AT', value: ({ at }) => at, leftOut: 0 },
    { title: 'KIND', value: ({ kind }) => kind, leftOut: 1 },
    { title: 'STATE', value: ({ state }) => state, leftOut: 0 },
    { title: 'REASON', value: ({ reason = '-' }) => reason, leftOut: 0 },
    { title: 'DETAIL', value: ({ detail = '-' }) => detail, shrinks: true, leftOut: 2 },
  ],
};

export function timelineCommand(cli: Cli): Command {
  const one = command('timeline', 'Shows what happened to a VM, and why.', [
    ['ephemera timeline lobby', 'also of one that has ended'],
  ]).argument('<name>', 'the VM');
  return withOutput(one).action((name: string, options: CommonOptions) =>
    withSession(cli, options, async (session) => {
      const entries = await orDidYouMean(
        session,
        name,
        session.ephemera.vms.timeline(name, { signal: session.signal }),
      );
      printList(entries, SHOWN_TIMELINE, session.format);
    }),
  );
}

export function consoleCommand(cli: Cli): Command {
  const one = command('console', 'Prints what the machine of a VM wrote to its console.', [
    ['ephemera console lobby', 'the last 64 KiB'],
    ['ephemera console -f lobby', 'and what comes, until it has ended or you press Ctrl-C'],
  ])
    .argument('<name>', 'the VM')
    .option('-f, --follow', 'goes on with what comes (default: off)')
    .option('--raw', 'the bytes as the machine wrote them, terminal sequences included (default: off)');
  return withDeployment(one).action((name: string, options: CommonOptions & { follow?: boolean; raw?: boolean }) =>
    withSession(cli, options, async (session) => {
      const { ephemera, signal } = session;
      const { raw = false } = options;
      const read = (): Promise<string> => ephemera.vms.console(name, { raw, signal });
      let text = await orDidYouMean(session, name, read());
      process.stdout.write(text);
      while (options.follow) {
        const { state } = await ephemera.vms.get(name, { signal });
        const next = await read();
        process.stdout.write(newText(text, next));
        text = next;
        if (ENDED.includes(state)) break;
        await sleep(CONSOLE_POLL_MS, undefined, { signal });
      }
    }),
  );
}
