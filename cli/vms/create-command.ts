import type { Command } from 'commander';
import { command, Interrupted, withOutput, withSession, type Cli, type CommonOptions } from '../context.ts';
import { note, print, printOne } from '../output/print.ts';
import { specOf, withSpec, type SpecOptions } from './spec-options.ts';
import { stateLine, vmDetails } from './shown-vm.ts';
import { withWait, type WaitingOptions, timeoutOf } from './wait-options.ts';
import { waitShown } from './wait-shown.ts';

export function createCommand(cli: Cli): Command {
  const one = command('create [name]', 'Makes a VM, or gets the live one of that name.', [
    ['ephemera create lobby --wait', 'a VM of the default template; returns when it is ready'],
    ['ephemera create -t chat -l game=42 --wait -o json', 'without a name, which it gets; all of it as JSON'],
    ['ephemera create box -f box.yaml --set idle.timeoutSeconds=600', 'from a file, with one field changed'],
    ['TOKEN=… ephemera create ci --secret-env TOKEN', 'with a secret that is on no command line'],
  ]).argument('[name]', 'its name, unique among the live VMs of the project (default: one is made up)');
  withWait(withOutput(withSpec(one)), 'until it is ready');
  one.action((name: string | undefined, options: CommonOptions & SpecOptions & WaitingOptions) =>
    withSession(cli, options, async (session) => {
      const timeoutSeconds = timeoutOf(options);
      const spec = specOf(name, options, process.env);
      const { ephemera, signal, progress, format } = session;
      if (options.wait) progress.say(`${name ?? 'a VM'}: asked for`);
      const made = await ephemera.vms.create(spec, { signal }).catch((error: unknown) => {
        progress.stop();
        if (error instanceof Interrupted) {
          note(`\nstopped; the VM may have been made: ephemera ${name === undefined ? 'ls' : `get ${name}`} shows it`);
        }
        throw error;
      });
      const vm = options.wait ? await waitShown(session, made, 'ready', timeoutSeconds) : made;
      if (format === 'table' || format === 'wide') {
        const where = vm.address?.ports[0];
        const address = where === undefined || vm.address === undefined ? '' : ` at ${vm.address.ip}:${where.port}`;
        const took = options.wait ? ` after ${progress.elapsed()}` : '';
        print(`${vm.name}: ${stateLine(vm)}${address}${took}`);
      } else printOne(vm, vm.name, () => vmDetails(vm), format);
    }),
  );
  return one;
}
