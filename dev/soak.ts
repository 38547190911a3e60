/** `npm run soak -- [--minutes N]`: a steady life of many VMs, and what it leaves and costs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { runSoak, type SoakReport } from '../test-support/soak/run-soak.ts';
import { buildVmServer } from '../commands/start/build-vm-server.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { onlyOwnFlags } from '../commands/terminal/own-flags.ts';
import { findOrGetTemporalCli } from '../commands/temporal/temporal-cli.ts';
import { ScriptError, runScript, say, step, warn } from '../commands/terminal/terminal.ts';

const RESULTS = resolve(import.meta.dirname, '..', 'bench', 'results');
/** Every sixth sample is kept: one a minute. */
const KEPT_SAMPLE = 6;

const HELP: Help = {
  command: 'npm run soak',
  about:
    'A steady life of many VMs, and whether memory, files and processes stay flat; exit code 1 when something is wrong.',
  usage: ['[--minutes N]'],
  flags: [['--minutes N', 'how long (default: 30)']],
  examples: [['npm run soak -- --minutes 120', 'two hours']],
};

await runScript(async () => {
  answerHelp(process.argv, HELP);
  const minutes = askedMinutes();
  await step('vm-server built', () => buildVmServer());
  const setPath = process.env['EPHEMERA_TEMPORAL_CLI'] ?? null;
  process.env['EPHEMERA_TEMPORAL_CLI'] = await step('Temporal CLI', (found) => findOrGetTemporalCli(setPath, found));
  const report = await runSoak({ minutes, onProgress: say });
  await keep(report);
  sum(report);
  process.exit(report.violations.length === 0 ? 0 : 1);
});

function askedMinutes(): number {
  const { values } = onlyOwnFlags(process.argv.slice(2), { values: ['minutes'] }, HELP);
  const minutes = values.get('minutes') ?? '30';
  if (!/^[1-9]\d{0,3}$/.test(minutes)) {
    throw new ScriptError(`--minutes takes a whole number, 1 or more, not ${minutes}`);
  }
  return Number(minutes);
}

async function keep({ samples, ...report }: SoakReport): Promise<void> {
  const loads = samples.map(({ load }) => load);
  const machine = {
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    /** Much more than the number of cores: the machine did other work too. */
    loadAverage: { mean: meanOf(loads), highest: Math.max(...loads) },
  };
  const kept = samples.filter((_, index) => index % KEPT_SAMPLE === KEPT_SAMPLE - 1);
  await mkdir(RESULTS, { recursive: true });
  const result = { at: new Date().toISOString(), machine, ...report, samples: kept };
  await writeFile(join(RESULTS, 'soak.json'), `${JSON.stringify(result, null, 1)}\n`);
}

function meanOf(values: readonly number[]): number {
  return Math.round((values.reduce((sum, value) => sum + value, 0) / values.length) * 10) / 10;
}

function sum({ lives, requests, sweeps, residents, moves, growth, minutes, violations }: SoakReport): void {
  say(
    `\n${lives} lives and ${residents} VMs in use all the time in ${minutes} min, ${requests} requests, ${sweeps} sweeps`,
  );
  say(`  long-lived VMs were continued as new ${moves.join(' and ')} times`);
  for (const [what, { mean, perHour, inWindow, flat }] of Object.entries(growth ?? {})) {
    say(
      `  ${what}: mean ${mean}, ${perHour} an hour, ${inWindow} after the warm-up: ${flat === null ? 'not judged' : flat ? 'flat' : 'GROWS'}`,
    );
  }
  if (growth === null) say('  too short to say what grows');
  for (const what of violations) warn(`VIOLATION ${what}`);
  if (violations.length === 0) say('no wrong end, no error, nothing left behind');
}
