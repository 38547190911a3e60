/** What an apply would change, asked of the API, and how it is shown. */
import { stringify } from 'yaml';
import { answered, ApiRefusal, type ApiClient, type Problem, type Template } from '../../client/api-client.ts';
import { lineDiff, type DiffLine } from '../../lib/text/line-diff.ts';
import { coloured } from '../terminal/terminal.ts';
import type { FileTemplate, Mistake } from './template-files.ts';

export interface Plan {
  puts: { template: FileTemplate; now: Template | undefined; then: Template }[];
  /** In no file. */
  deletes: Template[];
  /** Names of what is as the files say. */
  unchanged: string[];
}

/** Asks the API about each template, without changing any; what it refuses has its line. Other errors pass. */
export async function planOf(
  client: ApiClient,
  files: readonly FileTemplate[],
  { prune }: { prune: boolean },
): Promise<{ plan: Plan; mistakes: Mistake[] }> {
  const { templates } = await answered(client.GET('/v1/templates'));
  const plan: Plan = { puts: [], deletes: [], unchanged: [] };
  const mistakes: Mistake[] = [];
  for (const template of files) {
    const now = templates.find(({ name, builtIn }) => name === template.name && !builtIn);
    try {
      const init = { params: { path: { name: template.name }, query: { dryRun: true } }, body: template.body };
      const then = await answered(client.PUT('/v1/templates/{name}', init));
      if (!('version' in then)) throw new Error('the API kept what it was only to check');
      const isSame = now?.version === then.version && now.heldBack === undefined && textOf(now) === textOf(then);
      if (isSame) plan.unchanged.push(template.name);
      else plan.puts.push({ template, now, then });
    } catch (error) {
      const problem = error instanceof ApiRefusal ? problemOfTemplate(error) : undefined;
      if (problem === undefined) throw error;
      mistakes.push(...mistakesOf(template, problem));
    }
  }
  if (prune) {
    const kept = new Set(files.map(({ name }) => name));
    plan.deletes = templates.filter(({ name, builtIn }) => !builtIn && !kept.has(name));
  }
  return { plan, mistakes };
}

/** Undefined where the refusal is about the key, the rate of requests or the API, so that no file is to blame. */
function problemOfTemplate({ status, problem }: ApiRefusal): Problem | undefined {
  const isOfCaller = [401, 403, 429].includes(status) && problem?.code !== 'optionNotAllowed';
  return status >= 500 || isOfCaller ? undefined : problem;
}

function mistakesOf({ file, lineOf }: FileTemplate, { detail, fields = [] }: Problem): Mistake[] {
  const found = fields.length > 0 ? fields : fieldsIn(detail);
  return found.map(({ field, problem }) => {
    const path = field.split('.').slice(1);
    const where = field.startsWith('body.') ? `${path.join('.')}: ` : '';
    return { file, line: lineOf(field.startsWith('body') ? path : ['name']), text: `${where}${problem}` };
  });
}

/** A refusal that is about fields begins with each: `body.spec.cpus: …; body.spec.zones: …`. */
function fieldsIn(detail: string): { field: string; problem: string }[] {
  return detail.split(/; (?=body\.)/).map((text) => {
    const field = /^body(\.[\w-]+)*(?=: )/.exec(text)?.[0];
    return field === undefined ? { field: 'body', problem: text } : { field, problem: text.slice(field.length + 2) };
  });
}

export function showPlan({ puts, deletes, unchanged }: Plan): string {
  return [
    ...puts.map(({ now, then }) => [headline(now, then), ...changes(now, then)].join('\n')),
    ...deletes.map(({ name, version }) => coloured(`- ${name}: deleted (version ${version}); its VMs live on`, 'red')),
    ...(unchanged.length === 0 ? [] : [coloured(`= ${unchanged.join(', ')}: as it is`, 'dim')]),
  ].join('\n');
}

function headline(now: Template | undefined, then: Template): string {
  if (now === undefined) return coloured(`+ ${then.name}: new, version ${then.version}`, 'green');
  if (now.version === then.version) {
    const stays =
      then.rollIdle && !now.rollIdle ? 'stays, and idle VMs of earlier ones go' : 'stays, and nothing is replaced';
    const what = now.heldBack === undefined ? stays : 'is tried again';
    return coloured(`~ ${then.name}: version ${now.version} ${what}`, 'yellow');
  }
  return coloured(`~ ${then.name}: version ${now.version} -> ${then.version}`, 'yellow');
}

function changes(now: Template | undefined, then: Template): string[] {
  return lineDiff(textOf(now), textOf(then)).map(shownLine);
}

function textOf(template: Template | undefined): string {
  return template === undefined ? '' : stringify(partOf(template), { sortMapEntries: true });
}

/** What a file says. */
function partOf({ spec, warm, reuse, rollIdle }: Template): object {
  const more = {
    ...(warm === undefined ? {} : { warm }),
    ...(reuse === 'none' ? {} : { reuse }),
    ...(rollIdle ? { rollIdle } : {}),
  };
  return Object.keys(more).length === 0 ? spec : { spec, ...more };
}

const MARK = { same: '   ', removed: '  -', added: '  +' } as const;
const COLOUR = { same: 'dim', removed: 'red', added: 'green' } as const;

function shownLine({ kind, text }: DiffLine): string {
  return coloured(`${MARK[kind]} ${text}`, COLOUR[kind]);
}
