/** What is done with VMs by name: drain, hold, stop, start, suspend, resume, close, reopen, rm, and waiting for them. */
import type { Command } from 'commander';
import type { Vm, WaitGoal } from '../../client/ephemera.ts';
import {
  command,
  Interrupted,
  orDidYouMean,
  withOutput,
  withSession,
  type Cli,
  type CommonOptions,
  type Session,
} from '../context.ts';
import { exitCodeOf, usageError } from '../exit-codes.ts';
import { note, print, printData } from '../output/print.ts';
import { harmless } from '../output/text.ts';
import { numberOf } from './spec-options.ts';
import { stateLine } from './shown-vm.ts';
import { timeoutOf, withTimeout, withWait, type WaitingOptions } from './wait-options.ts';
import { waitShown } from './wait-shown.ts';

interface ActionOptions extends CommonOptions, WaitingOptions {
  force?: boolean;
}

interface Action {
  name: string;
  alias?: string;
  about: string;
  /** What `--wait` waits for; absent: it is done at once. */
  goal?: Exclude<WaitGoal, (vm: Vm) => boolean>;
  until?: string;
  /** What `--force` does; absent: there is none. */
  force?: string;
  examples: readonly (readonly [line: string, what: string])[];
  run: (session: Session, name: string, options: ActionOptions) => Promise<Vm>;
}

const THOUGH_IN_USE = 'though it has users, whom that cuts off (default: it is refused then)';

const ACTIONS: readonly Action[] = [
  {
    ...{ name: 'drain', about: 'Lets nobody new in; the VM goes when its last user has left.' },
    ...{ goal: 'ended', until: 'it has ended' },
    examples: [['ephemera drain lobby --wait --timeout 3600', 'returns when the last user has left and it is gone']],
    run: ({ ephemera, signal }, name) => ephemera.vms.drain(name, { signal }),
  },
  {
    ...{ name: 'undrain', about: 'Lets users in again.' },
    examples: [['ephemera undrain lobby', 'takes a drain back']],
    run: ({ ephemera, signal }, name) => ephemera.vms.undrain(name, { signal }),
  },
  {
    ...{ name: 'stop', about: 'Stops the machine; its disk is kept.', goal: 'stopped', until: 'it is stopped' },
    force: THOUGH_IN_USE,
    examples: [['ephemera stop lobby --wait', 'returns when it is stopped']],
    run: ({ ephemera, signal }, name, { force }) => ephemera.vms.stop(name, { force, signal }),
  },
  {
    ...{ name: 'start', about: 'Starts a stopped VM with its disk.', goal: 'ready', until: 'it is ready' },
    examples: [['ephemera start lobby --wait', 'returns when it is ready']],
    run: ({ ephemera, signal }, name) => ephemera.vms.start(name, { signal }),
  },
  {
    ...{ name: 'suspend', about: 'Suspends the machine; its memory and its disk are kept.' },
    ...{ goal: 'suspended', until: 'it is suspended', force: THOUGH_IN_USE },
    examples: [['ephemera suspend lobby', 'where the provider can']],
    run: ({ ephemera, signal }, name, { force }) => ephemera.vms.suspend(name, { force, signal }),
  },
  {
    ...{ name: 'resume', about: 'Resumes a suspended VM where it was.', goal: 'ready', until: 'it is ready' },
    examples: [['ephemera resume lobby --wait', 'returns when it is ready']],
    run: ({ ephemera, signal }, name) => ephemera.vms.resume(name, { signal }),
  },
  {
    ...{
      name: 'close',
      about: 'Keeps the disk as an image, and ends the VM.',
      goal: 'ended',
      until: 'the image is kept',
    },
    force: THOUGH_IN_USE,
    examples: [['ephemera close box --wait', 'overnight; `ephemera reopen box` brings it back with its files']],
    run: ({ ephemera, signal }, name, { force }) => ephemera.vms.close(name, { force, signal }),
  },
  {
    ...{ name: 'reopen', about: 'Starts a closed VM again, with its files.', goal: 'ready', until: 'it is ready' },
    examples: [
      ['ephemera reopen box --wait', 'returns when it is ready; `ephemera sessions` lists what can be reopened'],
    ],
    run: ({ ephemera, signal }, name) => ephemera.vms.reopen(name, { signal }),
  },
  {
    ...{ name: 'rm', alias: 'delete', about: 'Ends a VM and destroys its machine.' },
    ...{ goal: 'ended', until: 'its machine is confirmed gone' },
    force: 'ends it also where its machine cannot be destroyed; needs an admin key (default: off)',
    examples: [
      ['ephemera rm lobby --wait', 'returns when the machine is confirmed gone'],
      ['ephemera rm $(ephemera ls -l game=42 -o name)', 'all of a label'],
    ],
    run: ({ ephemera, signal }, name, { force }) => ephemera.vms.delete(name, { force, signal }),
  },
];

export function actionCommands(cli: Cli): Command[] {
  return [...ACTIONS.map((action) => actionCommand(cli, action)), holdCommand(cli), waitCommand(cli)];
}

function actionCommand(cli: Cli, action: Action): Command {
  const { name, alias, about, examples, goal, until, force, run } = action;
  const one = command(name, about, examples).argument('<name...>', 'VMs');
  if (alias !== undefined) one.alias(alias);
  withOutput(one);
  if (goal !== undefined && until !== undefined) withWait(one, until);
  if (force !== undefined) one.option('--force', force);
  return one.action((names: string[], options: ActionOptions) =>
    withSession(cli, options, (session) =>
      forEach(session, names, async (vm) => {
        const done = await orDidYouMean(session, vm, run(session, vm, options));
        return goal !== undefined && options.wait ? waitShown(session, done, goal, timeoutOf(options)) : done;
      }),
    ),
  );
}

function holdCommand(cli: Cli): Command {
  const one = command('hold', 'Keeps a VM for so long though nobody uses it.', [
    ['ephemera hold lobby 3600', 'for an hour; never beyond its longest life'],
    ['ephemera hold lobby 0', 'ends a hold'],
  ])
    .argument('<name>', 'the VM')
    .argument('<seconds>', 'how long from now; 0 ends a hold');
  return withOutput(one).action((name: string, seconds: string, options: CommonOptions) =>
    withSession(cli, options, (session) => {
      const { ephemera, signal } = session;
      const whole = numberOf('SECONDS', seconds) ?? 0;
      return forEach(session, [name], (vm) => orDidYouMean(session, vm, ephemera.vms.hold(vm, whole, { signal })));
    }),
  );
}

const GOALS = ['ready', 'stopped', 'suspended', 'ended'] as const;

function waitCommand(cli: Cli): Command {
  const one = command('wait', 'Waits for a VM, also while the API is away.', [
    ['ephemera wait lobby', 'until it is ready'],
    ['ephemera wait lobby --for ended --timeout 3600', 'until it has ended'],
  ])
    .argument('<name...>', 'VMs')
    .option('--for <STATE>', `what is waited for: ${GOALS.join(', ')}`, 'ready');
  withTimeout(withOutput(one));
  return one.action((names: string[], options: CommonOptions & { for: string; timeout: string }) =>
    withSession(cli, options, (session) => {
      const goal = GOALS.find((known) => known === options.for);
      if (goal === undefined) throw usageError(`--for must be one of ${GOALS.join(', ')}, not ${options.for}`);
      const { ephemera, signal } = session;
      return forEach(session, names, async (name) => {
        const seen = await orDidYouMean(session, name, ephemera.vms.get(name, { signal }));
        return waitShown(session, seen, goal, timeoutOf(options));
      });
    }),
  );
}

/** One after the other; a failure of one does not keep the others from it, and the first one is the exit code. */
async function forEach(session: Session, names: readonly string[], work: (name: string) => Promise<Vm>): Promise<void> {
  const done: Vm[] = [];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      const vm = await work(name);
      done.push(vm);
      if (session.format === 'name') print(vm.name);
      else if (session.format === 'table' || session.format === 'wide') print(harmless(`${vm.name}: ${stateLine(vm)}`));
    } catch (error) {
      if (names.length === 1 || error instanceof Interrupted) throw error;
      note(`✗ ${name}: ${error instanceof Error ? error.message : String(error)}`);
      failures.push(error);
    }
  }
  const { format } = session;
  if (format === 'json' || format === 'yaml') printData(names.length === 1 ? done[0] : done, format);
  if (failures.length > 0) process.exitCode = exitCodeOf(failures[0]);
}
