/**
 * `npm run upgrade-check`: replays the recorded histories and those of all workflows that run now on the workflow code
 * of this checkout, and names the VMs that it would break. Exit code 1 when there is one.
 */
import { resolve } from 'node:path';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Settings } from '../config/settings.ts';
import { bundleWorkflows } from '../worker/temporal/workflow-bundle.ts';
import { answerHelp, type Help } from './terminal/help.ts';
import { fetchHistories, listOpenWorkflows, readHistories, writeHistory } from './upgrade/histories.ts';
import { settingsOfArguments, takeOwnFlags, wholeNumber } from './terminal/own-flags.ts';
import { replayAll, type BrokenWorkflow, type ReplayReport } from './upgrade/replay-check.ts';
import { connectToTemporal } from './temporal/temporal-in-reach.ts';
import { ScriptError, coloured, runScript } from './terminal/terminal.ts';

const RECORDED = resolve(import.meta.dirname, '../test/replay/histories');
const DEFAULT_LIMIT = 5000;
const PROGRESS_INTERVAL_MS = 5000;

const HELP: Help = {
  command: 'npm run upgrade-check',
  about:
    'Replays recorded histories and open workflows on the workflow code of this checkout; exit code 1 when it would break one.',
  usage: ['[--json] [--limit N] [--export DIR | --from DIR] [settings]'],
  flags: [
    ['--json', 'prints one JSON object on standard output, the rest on standard error (default: text)'],
    ['--limit N', `replays a sample when more than N workflows are open (default: ${DEFAULT_LIMIT})`],
    ['--export DIR', 'only writes the histories of the open workflows there, to be checked elsewhere (default: no)'],
    ['--from DIR', 'replays the histories of DIR (default: those that run now)'],
  ],
  examples: [
    ['npm run upgrade-check', 'what runs on the state directory'],
    ['npm run upgrade-check -- --export /tmp/histories', 'there'],
    ['npm run upgrade-check -- --from /tmp/histories', 'and here'],
  ],
  settings: 'some',
};

/** What was checked besides the recorded histories. */
interface LiveReport extends ReplayReport {
  /** `ephemera at 127.0.0.1:7233`, or a folder. */
  source: string;
  /** Open workflows; more than were checked when only a sample was. */
  open: number;
  sampled: boolean;
  /** Closed and deleted while they were being fetched. */
  gone: number;
}

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  const flags = takeOwnFlags(process.argv.slice(2), {
    switches: ['json'],
    values: ['limit', 'export', 'from'],
  });
  const tell = teller(flags.switches.has('json'));
  const limit = wholeNumber(flags, 'limit') ?? DEFAULT_LIMIT;
  const exportTo = flags.values.get('export');
  const from = flags.values.get('from');
  if (exportTo !== undefined && from !== undefined) throw new ScriptError('--export and --from: give one of them');
  const settings = settingsOfArguments(flags.rest, HELP);
  if (exportTo !== undefined) return exportHistories(settings, { folder: resolve(exportTo), limit, tell });
  beQuiet();
  const bundle = await bundleWorkflows({ debug: () => undefined, warn: tell });
  const recorded = await replayAll(bundle, readHistories(RECORDED, { nameBy: 'file' }), () => undefined);
  sayResult(tell, 'recorded histories', recorded);
  const live = await (from === undefined
    ? checkOpen(bundle, settings, { limit, tell })
    : checkFolder(bundle, resolve(from), tell));
  const ok = recorded.broken.length === 0 && live.broken.length === 0;
  if (flags.switches.has('json')) process.stdout.write(`${JSON.stringify({ ok, recorded, live }, null, 2)}\n`);
  else if (ok) tell(`${coloured('✓', 'green')} this checkout continues every one of them`);
  if (!ok) {
    process.exitCode = 1;
    tell(
      `${coloured('✗', 'red')} workers of this checkout would leave these VMs standing still: change the workflow code ` +
        'so that old runs take the old path (docs/upgrading.md), and check again',
    );
  }
}

/** What the SDK says of a replay that fails is in the report, once and shorter. */
function beQuiet(): void {
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  const logger = new DefaultLogger('ERROR', () => undefined);
  Runtime.install({ logger, telemetryOptions: { logging: { filter, forward: {} } } });
}

type Tell = (text: string) => void;

function teller(json: boolean): Tell {
  const stream = json ? process.stderr : process.stdout;
  return (text) => void stream.write(`${text}\n`);
}

async function checkOpen(
  bundle: { code: string },
  settings: Settings,
  { limit, tell }: { limit: number; tell: Tell },
): Promise<LiveReport> {
  const { client, address, close } = await connectToTemporal(settings);
  try {
    const { found, chosen } = await listOpenWorkflows(client, limit);
    const source = `namespace ${settings.temporal.namespace} at ${address}`;
    const sampled = chosen.length < found;
    if (sampled) saySample(tell, { found, chosen: chosen.length, limit });
    let gone = 0;
    const histories = fetchHistories(client, chosen, () => (gone += 1));
    const report = await replayAll(bundle, histories, progress(tell, chosen.length));
    sayResult(tell, `open workflows of ${source}`, report);
    return { source, open: found, sampled, gone, ...report };
  } finally {
    await close();
  }
}

async function checkFolder(bundle: { code: string }, folder: string, tell: Tell): Promise<LiveReport> {
  const report = await replayAll(bundle, readHistories(folder, { nameBy: 'workflow' }), progress(tell, undefined));
  sayResult(tell, `histories of ${folder}`, report);
  const open = report.checked + report.notBegun;
  return { source: folder, open, sampled: false, gone: 0, ...report };
}

async function exportHistories(
  settings: Settings,
  { folder, limit, tell }: { folder: string; limit: number; tell: Tell },
): Promise<void> {
  const { client, address, close } = await connectToTemporal(settings);
  try {
    const { found, chosen } = await listOpenWorkflows(client, limit);
    if (chosen.length < found) saySample(tell, { found, chosen: chosen.length, limit });
    const say = progress(tell, chosen.length);
    let written = 0;
    for await (const named of fetchHistories(client, chosen, () => undefined)) {
      writeHistory(folder, named);
      say((written += 1));
    }
    tell(`${coloured('✓', 'green')} ${written} histories of ${settings.temporal.namespace} at ${address} in ${folder}`);
    tell(
      `${coloured('!', 'yellow')} they hold what users gave their VMs: names, labels, env. Treat the folder as their data. ` +
        'On the other machine: npm run upgrade-check -- --from DIR',
    );
  } finally {
    await close();
  }
}

function saySample(tell: Tell, { found, chosen, limit }: { found: number; chosen: number; limit: number }): void {
  tell(
    `${coloured('!', 'yellow')} ONLY A SAMPLE: ${chosen} of ${found} open workflows, more than --limit ${limit}; ` +
      `--limit ${found} takes them all`,
  );
}

function progress(tell: Tell, total: number | undefined): (done: number) => void {
  let shownAt = Date.now();
  return (done) => {
    if (Date.now() - shownAt < PROGRESS_INTERVAL_MS) return;
    shownAt = Date.now();
    tell(`${coloured('…', 'dim')} ${done}${total === undefined ? '' : ` of ${total}`}`);
  };
}

function sayResult(tell: Tell, what: string, { checked, notBegun, broken }: ReplayReport): void {
  const mark = broken.length === 0 ? coloured('✓', 'green') : coloured('✗', 'red');
  const waiting = notBegun === 0 ? '' : `, ${notBegun} not begun`;
  tell(`${mark} ${what}: ${checked} replayed${waiting}, ${broken.length} would break`);
  for (const workflow of broken) tell(`    ${lineOf(workflow)}`);
}

function lineOf({ workflowId, runId, event, reason }: BrokenWorkflow): string {
  const where = event === null ? '' : ` at event ${event.id} ${event.type}`;
  return `${coloured(workflowId, 'bold')} (run ${runId})${where}: ${reason}`;
}
