/** `npm test`: the gates of `npm run check`, then every test; `npm test -- e2e chaos` runs only these projects. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildVmServer } from '../commands/start/build-vm-server.ts';
import { staticGates } from './checks.ts';
import { findOrGetCurrentNode } from '../commands/backup/current-node.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { runCommand, runGates } from '../commands/terminal/run-command.ts';
import { installSystemPackages, missingSystemPackages } from '../commands/terminal/system-packages.ts';
import { findOrGetTemporalCli } from '../commands/temporal/temporal-cli.ts';
import { ScriptError, coloured, duration, runScript, say, step, warn } from '../commands/terminal/terminal.ts';
import {
  addTally,
  emptyTally,
  filesToRunAgain,
  isSuccess,
  tallyLine,
  tallyOf,
  tallyWithSecondRun,
  type RunOutcome,
  type Tally,
} from './test-tally.ts';

const ROOT = resolve(import.meta.dirname, '..');
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const IS_CI = process.env['CI'] === 'true';
const PROJECTS = ['unit', 'provider', 'guests', 'workflow', 'e2e', 'chaos'] as const;
type Project = (typeof PROJECTS)[number];
/** Files at a time on two cores. */
const MAX_WORKERS = 3;
/**
 * Tests with real servers and processes wait two thirds of their time, for heartbeats that a killed process misses; more
 * at once would only measure how slow the machine is.
 */
const MAX_WORKERS_OF_WAITING: Partial<Record<Project, number>> = { workflow: 5, e2e: 5, chaos: 5 };
/** Of vitest.config.ts, where they are more than one. */
const VITEST_PROJECTS: Partial<Record<Project, readonly string[]>> = {
  guests: ['guests', 'guests-at-once'],
  workflow: ['workflow', 'workflow-alone'],
};

const HELP: Help = {
  command: 'npm test',
  about:
    'The gates of npm run check, then every test that this computer can run; at the end what failed and what could not run.',
  usage: ['', `[${PROJECTS.join('|')}]…`],
  flags: [
    ['CI=true', 'in the environment: installs missing packages with apt, and a test that cannot run fails the whole'],
  ],
  examples: [
    ['npm test', 'everything (about 25 minutes on 2 cores)'],
    ['npm test -- e2e chaos', 'only these projects, without the gates'],
  ],
};

await runScript(async () => {
  answerHelp(process.argv, HELP);
  const projects = askedProjects(process.argv.slice(2));
  const startedAt = Date.now();
  const total = emptyTally();
  if (IS_CI) await step('system packages', installSystemPackages);
  for (const { name, usedFor } of missingSystemPackages()) warn(`${name} is not installed: ${usedFor} cannot run`);
  if (projects.length === PROJECTS.length) addTally(total, await runStaticGates());
  const env = await prepare(projects);
  for (const project of projects) {
    addTally(total, await runProject(project, { node: process.execPath, env, run: project }));
    if (project === 'unit') addTally(total, await runUnitTestsOnCurrentNode(env));
  }
  report(total, Date.now() - startedAt);
});

function askedProjects(names: readonly string[]): readonly Project[] {
  const wrong = names.filter((name) => !PROJECTS.some((project) => project === name));
  if (wrong.length > 0) throw new ScriptError(`unknown: ${wrong.join(', ')}; there are ${PROJECTS.join(', ')}`);
  return names.length === 0 ? PROJECTS : PROJECTS.filter((project) => names.includes(project));
}

async function runStaticGates(): Promise<Tally> {
  try {
    await runGates(staticGates(ROOT), ROOT);
    return emptyTally();
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { ...emptyTally(), failed: [error.message] };
  }
}

/** What the tests of these projects need, and the environment that tells them where it is. */
async function prepare(projects: readonly Project[]): Promise<NodeJS.ProcessEnv> {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
  };
  if (!process.stdout.isTTY) delete env['FORCE_COLOR'];
  if (projects.every((project) => project === 'unit')) return env;
  await step('vm-server built', () => buildVmServer());
  const setPath = process.env['EPHEMERA_TEMPORAL_CLI'] ?? null;
  env['EPHEMERA_TEMPORAL_CLI'] = await step('Temporal CLI', (found) => findOrGetTemporalCli(setPath, found));
  return env;
}

interface TestRun {
  node: string;
  env: NodeJS.ProcessEnv;
  /** Its name in lists. */
  run: string;
}

async function runProject(project: Project, testRun: TestRun): Promise<Tally> {
  const startedAt = Date.now();
  say(`\n${coloured(`── ${testRun.run} tests`, 'bold')}`);
  const first = await runFiles(project, testRun);
  const again = mayRunAgain(project) ? filesToRunAgain(first.report) : [];
  let tally = tallyOf(testRun.run, first.report, first.exitCode);
  if (again.length > 0) {
    for (const why of tally.failed) warn(`failed: ${why}`);
    say(`\n${coloured(`── ${testRun.run}: once more, alone: ${again.join(', ')}`, 'bold')}`);
    tally = tallyWithSecondRun(testRun.run, first, await runFiles(project, testRun, again));
  }
  say(`${testRun.run}: ${tallyLine(tally)} ${coloured(`(${duration(Date.now() - startedAt)})`, 'dim')}`);
  return tally;
}

/** Of real processes beside each other: on a busy computer they can miss a moment. What is pure has no such excuse. */
function mayRunAgain(project: Project): boolean {
  return project !== 'unit';
}

/** `files`: these alone, one after the other. */
async function runFiles(project: Project, { node, env }: TestRun, files: readonly string[] = []): Promise<RunOutcome> {
  const directory = await mkdtemp(join(tmpdir(), 'ephemera-test-report-'));
  try {
    const file = join(directory, 'report.json');
    const chosen = (VITEST_PROJECTS[project] ?? [project]).flatMap((name) => ['--project', name]);
    const args = ['run', ...files, ...chosen, '--passWithNoTests', ...workersOf(project, files)];
    const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${file}`];
    const { code } = await runCommand(node, [VITEST, ...args, ...reporters], { cwd: ROOT, env, show: true });
    const report = await readFile(file, 'utf8').then(
      (text): unknown => JSON.parse(text),
      () => undefined,
    );
    return { report, exitCode: code };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function workersOf(project: Project, files: readonly string[]): string[] {
  if (files.length > 0) return ['--maxWorkers', '1'];
  // How many guests boot at a time is said where their files are.
  return project === 'guests' ? [] : ['--maxWorkers', `${MAX_WORKERS_OF_WAITING[project] ?? MAX_WORKERS}`];
}

async function runUnitTestsOnCurrentNode(env: NodeJS.ProcessEnv): Promise<Tally> {
  const found = await findOrGetCurrentNode();
  if ('missing' in found) {
    return { ...emptyTally(), skipped: [`unit tests on the current Node.js: ${found.missing}`] };
  }
  if (found.path === process.execPath) return emptyTally();
  return runProject('unit', { node: found.path, env, run: `unit on Node ${found.version}` });
}

function report(total: Tally, tookMs: number): void {
  for (const name of total.unsteady) say(`${coloured('! PASSED ONLY WHEN RUN AGAIN', 'yellow')}  ${name}`);
  for (const name of total.skipped) say(`${coloured('! DID NOT RUN', 'yellow')}  ${name}`);
  // Last: of a long log people may have its end alone.
  for (const name of total.failed) say(`${coloured('✗ FAILED', 'red')}  ${name}`);
  if (total.skipped.length > 0 && IS_CI) say('With CI=true a test that does not run fails the whole.');
  say(`took ${duration(tookMs)}`);
  say(tallyLine(total));
  if (!isSuccess(total, IS_CI)) process.exitCode = 1;
}
