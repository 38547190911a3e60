/** What happens to VMs, as it happens. */
import type { Command } from 'commander';
import type { StreamedEvent, VmEvent } from '../../client/ephemera.ts';
import { command, withOutput, withSession, type Cli, type CommonOptions } from '../context.ts';
import { note, print, type Format } from '../output/print.ts';
import { harmless } from '../output/text.ts';

interface EventsOptions extends CommonOptions {
  vm?: string;
  template?: string;
  kind?: string[];
  after?: string;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function eventsCommand(cli: Cli): Command {
  const one = command('events', 'Prints what happens to VMs, as it happens, until Ctrl-C.', [
    ['ephemera events', 'of the project'],
    ['ephemera events --vm lobby --kind vm.connections', 'one kind of one VM'],
    ['ephemera events -o json | jq -r .vm', 'one object a line'],
  ])
    .option('--vm <NAME>', 'only of this VM (default: all)')
    .option('-t, --template <NAME>', 'only of VMs of this template (default: all)')
    .option('--kind <KIND>', 'only of this kind, as vm.running; as often as needed (default: all)', collect)
    .option('--after <ID>', 'goes on after the event of this id, as a cut line named it (default: from now on)');
  return withOutput(one).action((options: EventsOptions) =>
    withSession(cli, options, async ({ ephemera, signal, format, isQuiet }) => {
      const { vm, template, kind, after: lastEventId } = options;
      let last = lastEventId;
      const onCut = (error: Error): void => {
        if (!isQuiet) note(`… ${error.message}; connecting again`);
      };
      for await (const one of ephemera.events({ vm, template, kind, lastEventId, signal, onCut })) {
        last = one.id;
        show(one, format, isQuiet);
      }
      if (!isQuiet && last !== undefined) note(`\nstopped; go on where it was with: ephemera events --after ${last}`);
      signal.throwIfAborted();
    }),
  );
}

function show(one: StreamedEvent, format: Format, isQuiet: boolean): void {
  if (one.type === 'vm') print(eventLine(one.event, format));
  else if (one.type === 'gap') note(`… events of ${one.vm} were missed: ephemera timeline ${one.vm}`);
  else if (one.type === 'reset') note(`… ${one.detail}`);
  else if (!isQuiet && !one.resumed) note('… listening');
}

/** `2026-11-30T07:00:00.000Z  lobby  vm.destroyed  idle` */
export function eventLine(event: VmEvent, format: Format): string {
  if (format === 'json' || format === 'yaml') return JSON.stringify(event);
  const { at, vm, kind, reason, detail, connections } = event as Record<string, string | number | undefined>;
  if (format === 'name') return String(vm);
  const users = connections === undefined ? undefined : `${connections} connected`;
  return harmless([at, vm, kind, reason, users, detail].filter((word) => word !== undefined).join('  '));
}
