/** `npm run apply -- FILE…`: makes the templates of the project what the files say; shows the difference first. */
import { createInterface } from 'node:readline/promises';
import { answered, ApiRefusal, createApiClient, type ApiClient } from '../client/api-client.ts';
import { deploymentOf } from './apply/deployment.ts';
import { planOf, showPlan, type Plan } from './apply/plan.ts';
import { readTemplates, type Mistake } from './apply/template-files.ts';
import { answerHelp, usageLines, type Help } from './terminal/help.ts';
import { settingsOfArguments, takeOwnFlags } from './terminal/own-flags.ts';
import { coloured, runScript, say, ScriptError } from './terminal/terminal.ts';

const REQUEST_DEADLINE_SECONDS = 30;

const HELP: Help = {
  command: 'npm run apply',
  about:
    'Puts templates from YAML or JSON files (docs/templates.md): checks all of them, shows what would change, asks, and does it.',
  usage: ['FILE… [--prune] [--dry-run] [--yes] [--url URL] [--key-file FILE] [settings]'],
  flags: [
    ['--prune', 'deletes the templates of the project that are in none of the files (default: they stay)'],
    ['--dry-run', 'shows what would change and changes nothing (default: off)'],
    ['--yes', 'does not ask; needed where nobody can answer (default: asks on a terminal)'],
    ['--url URL', 'where the API is (default: what runs on the state directory, else EPHEMERA_API_URL)'],
    ['--key-file FILE', 'file with an API key (default: EPHEMERA_API_KEY, else for what runs its own key)'],
  ],
  examples: [
    ['npm run apply -- templates.yaml', 'shows the difference, and asks'],
    ['npm run apply -- templates/*.yaml --prune --yes', 'the files are all that there is, without a question'],
    ['npm run apply -- templates.yaml --dry-run', 'only checks and shows'],
  ],
  settings: 'some',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  const flags = takeOwnFlags(process.argv.slice(2), {
    switches: ['prune', 'dry-run', 'yes'],
    values: ['url', 'key-file'],
  });
  const { files, rest } = filesAmong(flags.rest);
  const settings = settingsOfArguments(rest, HELP);
  const { templates, mistakes } = readTemplates(files);
  const { url, key } = await deploymentOf({
    url: flags.values.get('url'),
    keyFile: flags.values.get('key-file'),
    settings,
  });
  const client = createApiClient({ url, key, deadlineSeconds: REQUEST_DEADLINE_SECONDS });
  const asked = await orScriptError(url, planOf(client, templates, { prune: flags.switches.has('prune') }));
  refuse([...mistakes, ...asked.mistakes], files);
  const { plan } = asked;
  say(showPlan(plan));
  const isNothing = plan.puts.length === 0 && plan.deletes.length === 0;
  if (isNothing || flags.switches.has('dry-run')) {
    say(isNothing ? 'nothing to change' : 'nothing was changed (--dry-run)');
    return;
  }
  if (!flags.switches.has('yes')) await askWhether(plan);
  await orScriptError(url, carryOut(client, plan));
}

/** Flags of settings and their values are not files. */
function filesAmong(argv: readonly string[]): { files: string[]; rest: string[] } {
  const [files, rest]: [string[], string[]] = [[], []];
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    if (!argument.startsWith('--')) files.push(argument);
    else if (argument.includes('=')) rest.push(argument);
    else rest.push(argument, argv[(index += 1)] ?? '');
  }
  if (files.length === 0) throw new ScriptError(`no file is named\n${usageLines(HELP)}`);
  return { files, rest };
}

function refuse(mistakes: readonly Mistake[], files: readonly string[]): void {
  if (mistakes.length === 0) return;
  const order = (one: Mistake): number => files.indexOf(one.file);
  const sorted = [...mistakes].sort((a, b) => order(a) - order(b) || a.line - b.line);
  const lines = sorted.map(({ file, line, text }) => `  ${file}:${line}: ${text}`);
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
  throw new ScriptError(`${count}, and nothing was changed:\n${lines.join('\n')}`);
}

async function askWhether({ puts, deletes }: Plan): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new ScriptError('nobody can answer here, and nothing was changed: add --yes, or --dry-run to only look');
  }
  const deleted = deletes.length === 0 ? '' : ` and delete ${deletes.length}`;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`put ${puts.length} of them${deleted}? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new ScriptError('nothing was changed');
  } finally {
    terminal.close();
  }
}

/** Each is done for itself: after a failure the same command goes on where it stopped. */
async function carryOut(client: ApiClient, { puts, deletes }: Plan): Promise<void> {
  for (const { template } of puts) {
    const { name, body } = template;
    const put = await answered(client.PUT('/v1/templates/{name}', { params: { path: { name } }, body }));
    const what = 'version' in put ? `version ${put.version}` : 'kept; no worker has answered yet';
    say(`${coloured('✓', 'green')} ${name}: ${what}`);
  }
  for (const { name } of deletes) {
    await answered(client.DELETE('/v1/templates/{name}', { params: { path: { name } } }));
    say(`${coloured('✓', 'green')} ${name}: deleted`);
  }
}

function orScriptError<Result>(url: string, work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    if (error instanceof ApiRefusal) throw new ScriptError(error.message);
    if (error instanceof TypeError) throw new ScriptError(`${url} does not answer (${reasonOf(error)})`);
    throw error;
  });
}

function reasonOf({ message, cause }: TypeError): string {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : message;
}
