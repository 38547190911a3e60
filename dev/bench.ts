/** `npm run bench -- NAME ARGS…`: runs bench/NAME.ts; without a name it lists them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { ScriptError, runScript, say } from '../commands/terminal/terminal.ts';

const ROOT = resolve(import.meta.dirname, '..');
const BENCHES = join(ROOT, 'bench');
/** Millions of states of a model take more memory than Node allows itself; what others take is measured without it. */
const OWN_FLAGS: Readonly<Record<string, readonly string[]>> = { 'placement-model': ['--max-old-space-size=12288'] };

const HELP: Help = {
  command: 'npm run bench',
  about: 'Runs a bench of bench/ by its name, or lists them. Results are kept in bench/results/ (docs/performance.md).',
  usage: ['', 'NAME [arguments of the bench]'],
  examples: [
    ['npm run bench', 'lists the benches'],
    ['npm run bench -- crash', 'runs one'],
  ],
};

await runScript(async () => {
  const [name, ...args] = process.argv.slice(2);
  answerHelp([name ?? ''], HELP);
  if (name === undefined) return listBenches();
  const file = join(BENCHES, `${name}.ts`);
  if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file)) {
    throw new ScriptError(`there is no bench "${name}"; there are: ${(await benchNames()).join(', ') || 'none'}`);
  }
  const child = spawn(process.execPath, ['--expose-gc', ...(OWN_FLAGS[name] ?? []), '--import', 'tsx', file, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
});

async function listBenches(): Promise<void> {
  say('npm run bench -- NAME');
  for (const name of await benchNames()) say(`  ${name.padEnd(24)} ${await purposeOf(name)}`);
}

/** Files whose docstring starts with their command are benches; the others are parts of them. */
async function benchNames(): Promise<string[]> {
  const names = (await readdir(BENCHES).catch(() => []))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
  const purposes = await Promise.all(names.map(async (name) => ({ name, purpose: await purposeOf(name) })));
  return purposes.filter(({ purpose }) => purpose !== '').map(({ name }) => name);
}

async function purposeOf(name: string): Promise<string> {
  const firstLines = (await readFile(join(BENCHES, `${name}.ts`), 'utf8')).slice(0, 400);
  return /^\/\*\*\s*(?:\*\s*)?(.+?)(?:\*\/)?\s*$/m.exec(firstLines)?.[1]?.trim() ?? '';
}
