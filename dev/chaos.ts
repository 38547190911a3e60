/** `npm run chaos -- [--seed N] [--lives N] [--parallel N] [--hosts N] [--provider local|qemu] [--only 3,17]`: a storm of faults. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { runStorm, type StormOptions, type StormReport } from '../test-support/storm/run-storm.ts';
import { stormCells, type StormProvider } from '../test-support/storm/plan.ts';
import { buildVmServer } from '../commands/start/build-vm-server.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { onlyOwnFlags } from '../commands/terminal/own-flags.ts';
import { findOrGetTemporalCli } from '../commands/temporal/temporal-cli.ts';
import { ScriptError, duration, runScript, say, step, warn } from '../commands/terminal/terminal.ts';

const RESULTS = resolve(import.meta.dirname, '..', 'bench', 'results');
/** Every cell once, and the lives between them to whom nothing may happen. */
const allCells = (provider: StormProvider): number => Math.ceil((stormCells(provider).length * 6) / 5);

const HELP: Help = {
  command: 'npm run chaos',
  about:
    'A storm of faults over whole lives of VMs on real processes; exit code 1 when a machine is left or a user lost.',
  usage: ['[--seed N] [--lives N] [--parallel N] [--hosts N] [--provider local|qemu] [--only 3,17]'],
  flags: [
    ['--seed N', 'brings a storm back (default: by chance, and printed)'],
    [
      '--lives N',
      `how many lives (default: ${allCells('local')}, with qemu ${allCells('qemu')}: each step of a life with each fault)`,
    ],
    ['--parallel N', 'lives at a time (default: 6; with qemu 2)'],
    ['--hosts N', 'hosts, each with a worker process and a state directory of its own (default: 3)'],
    ['--provider NAME', 'local or qemu (default: local)'],
    ['--only 3,17', 'only these lives of the storm (default: all)'],
  ],
  examples: [
    ['npm run chaos', 'every fault once'],
    ['npm run chaos -- --seed 5 --only 17', 'one life of storm 5 again'],
  ],
};

await runScript(async () => {
  answerHelp(process.argv, HELP);
  const options = askedStorm();
  await step('vm-server built', () => buildVmServer());
  const setPath = process.env['EPHEMERA_TEMPORAL_CLI'] ?? null;
  process.env['EPHEMERA_TEMPORAL_CLI'] = await step('Temporal CLI', (found) => findOrGetTemporalCli(setPath, found));
  const lives = options.only?.length ?? options.lives;
  say(`storm ${options.seed}: ${lives} lives, ${options.parallel} at a time, on ${options.hosts} hosts`);
  const report = await runStorm({ ...options, onProgress: say });
  await keep(report);
  sum(report, againCommand(options));
  process.exit(report.violations.length === 0 ? 0 : 1);
});

function askedStorm(): StormOptions & { hosts: number } {
  const { values: given } = onlyOwnFlags(
    process.argv.slice(2),
    { values: ['seed', 'lives', 'parallel', 'hosts', 'provider', 'only'] },
    HELP,
  );
  const values: Record<string, string | undefined> = Object.fromEntries(given);
  const provider = values['provider'] ?? 'local';
  if (provider !== 'local' && provider !== 'qemu') throw new ScriptError('--provider is local or qemu');
  const only = values['only']?.split(',').map((item) => wholeNumber('--only', item));
  const parallel = provider === 'qemu' ? 2 : 6;
  return {
    seed: wholeNumber('--seed', values['seed']) ?? Math.floor(Math.random() * 1_000_000),
    lives: wholeNumber('--lives', values['lives']) ?? allCells(provider),
    parallel: wholeNumber('--parallel', values['parallel']) ?? parallel,
    hosts: wholeNumber('--hosts', values['hosts']) ?? 3,
    provider,
    ...(only === undefined ? {} : { only }),
  };
}

function wholeNumber(name: string, value: string): number;
function wholeNumber(name: string, value: string | undefined): number | undefined;
function wholeNumber(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new ScriptError(`${name} takes a whole number, not ${value}`);
  return Number(value);
}

async function keep(report: StormReport): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  const machine = { cores: cpus().length, memoryGib: Math.round(totalmem() / 2 ** 30), node: process.version };
  const file = join(RESULTS, `chaos-${report.provider}.json`);
  await writeFile(file, `${JSON.stringify({ at: new Date().toISOString(), machine, ...report }, null, 1)}\n`);
}

/** The same storm once more: what a life meets goes by how many there are, also where only some of them run. */
function againCommand({ seed, lives, parallel, hosts, provider, only }: ReturnType<typeof askedStorm>): string {
  const flags = `--seed ${seed} --lives ${lives} --parallel ${parallel} --hosts ${hosts} --provider ${provider}`;
  return `npm run chaos -- ${flags}${only === undefined ? '' : ` --only ${only.join(',')}`}`;
}

function sum(report: StormReport, again: string): void {
  const { lives, faults, notReached, workerDeaths, terminated, swept, sweeps, violations, tookSeconds } = report;
  const happened = Object.values(faults).reduce((total, count) => total + count, 0);
  say(`\n${lives} lives, ${happened} faults of ${Object.keys(faults).length} kinds in ${duration(tookSeconds * 1000)}`);
  const on = Object.entries(report.spread).map(([host, count]) => `${count} on ${host}`);
  say(`${on.join(', ')}; workers were killed ${workerDeaths} times`);
  say(`${swept} orphans swept, ${terminated} VMs terminated, ${sweeps} sweeps`);
  for (const what of notReached) warn(`its moment never came: ${what}`);
  for (const what of violations) warn(`VIOLATION ${what}`);
  if (violations.length === 0) say('nothing left behind, nobody lost a VM that he used');
  else say(`again: ${again}`);
}
