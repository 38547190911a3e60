import type { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { CLI_SCRIPTS } from '../../../commands/cli-scripts.ts';
import { candidates } from '../../../cli/completion/candidates.ts';
import { hangsUp } from '../../../cli/access/hang-up.ts';
import { forwardedOf } from '../../../cli/access/forward-command.ts';
import { placeOf } from '../../../cli/access/cp-command.ts';
import { examplesOf, type Cli } from '../../../cli/context.ts';
import { editsBetween, nearest } from '../../../cli/nearest.ts';
import { note, printData } from '../../../cli/output/print.ts';
import { tableLines, type Column } from '../../../cli/output/table.ts';
import { age, elapsed, harmless, shortDuration, size } from '../../../cli/output/text.ts';
import { cliProgram } from '../../../cli/program.ts';
import { newText } from '../../../cli/vms/console-text.ts';
import { specOf } from '../../../cli/vms/spec-options.ts';
import type { Vm } from '../../../client/ephemera.ts';

interface Row {
  name: string;
  detail: string;
}
const COLUMNS: Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name, leftOut: 0, colour: ({ name }) => (name === 'b' ? 'red' : undefined) },
  { title: 'DETAIL', value: ({ detail }) => detail, shrinks: true, leftOut: 1 },
  { title: 'EXTRA', value: () => 'always this', leftOut: 2 },
  { title: 'WIDE', value: () => 'wide', isWide: true },
];
const ROWS: Row[] = [
  { name: 'a', detail: 'a long text that can be cut' },
  { name: 'b', detail: '' },
];

describe('a table', () => {
  it('is whole where nobody measures', () => {
    expect(tableLines(COLUMNS, ROWS, { now: 0 })).toEqual([
      'NAME  DETAIL                       EXTRA',
      'a     a long text that can be cut  always this',
      'b     -                            always this',
    ]);
    expect(tableLines(COLUMNS, ROWS, { now: 0, wide: true })[1]).toMatch(/always this {2}wide$/);
  });

  it('leaves out the least important column first, then cuts texts, and fits any width that its names do', () => {
    expect(tableLines(COLUMNS, ROWS, { now: 0, width: 36 })[1]).toBe('a     a long text that…  always this');
    expect(tableLines(COLUMNS, ROWS, { now: 0, width: 20 })[1]).toBe('a     a long text t…');
    expect(tableLines(COLUMNS, ROWS, { now: 0, width: 8 })).toEqual(['NAME', 'a', 'b']);
    for (let width = 4; width < 60; width += 1) {
      for (const line of tableLines(COLUMNS, ROWS, { now: 0, width })) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it('is painted after it was measured, and texts of machines cannot paint', () => {
    const lines = tableLines(COLUMNS, [{ name: 'b', detail: 'x\u001b[2J\ny' }], {
      now: 0,
      paint: (text) => `<${text}>`,
    });
    expect(lines[1]).toBe('<b   >  x [2J y  always this');
  });
});

it('what machines say reaches no terminal as a command of it, in notes and in JSON and YAML, which stay what they say', () => {
  const said = 'a\u001b]0;title\u0007b\u009b2Jc\u007f\u0085d\r';
  const written: string[] = [];
  const take = (text: unknown): boolean => written.push(String(text)) > 0;
  const spies = [process.stdout, process.stderr].map((one) => vi.spyOn(one, 'write').mockImplementation(take));
  note(`✗ lobby: ${said}\nmore`);
  for (const format of ['json', 'yaml'] as const) printData({ said, [said]: [said] }, format);
  for (const spy of spies) spy.mockRestore();
  const [told = '', json = '', yaml = ''] = written;
  for (const text of written) expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(told).toBe('✗ lobby: a ]0;title b 2Jc d \nmore\n');
  expect([JSON.parse(json), parse(yaml)]).toEqual([
    { said, [said]: [said] },
    { said, [said]: [said] },
  ]);
});

it('ages, sizes and durations are short', () => {
  expect([5, 59.4, 60, 3599, 3600, 172_800].map(shortDuration)).toEqual(['5s', '59s', '1m', '59m', '1h', '2d']);
  expect([undefined, 0, 999, 1000, 123_456, 1_234_567_890].map(size)).toEqual([
    '-',
    '0 B',
    '999 B',
    '1.0 kB',
    '123 kB',
    '1.2 GB',
  ]);
  expect([1234, 60_000, 270_000].map(elapsed)).toEqual(['1.2 s', '1 min 0 s', '4 min 30 s']);
  expect(age('2026-11-30T00:00:00Z', Date.parse('2026-11-30T00:01:00Z'))).toBe('1m');
  expect(harmless('a\u202eb\u0007')).toBe('a b ');
});

it('a word that is nearly right is found, one that is not is left alone', () => {
  expect(editsBetween('lobby', 'lboby')).toBe(1);
  expect(nearest('craete', ['create', 'close'])).toBe('create');
  expect(nearest('lby', ['lobby', 'hall'])).toBeUndefined();
  expect(nearest('xyz', ['lobby'])).toBeUndefined();
});

it('a console that goes on prints what is new, also once its beginning is gone', () => {
  expect(newText('', 'a')).toBe('a');
  expect(newText('a\nb\n', 'a\nb\nc\n')).toBe('c\n');
  expect(newText('old'.repeat(5000), `${'old'.repeat(4000)}new`)).toBe('new');
  expect(newText('gone', 'other')).toContain('was missed');
});

it('Enter ~ . hangs up, and a tilde within a line does not', () => {
  expect(hangsUp('line start', '~.').isOver).toBe(true);
  expect(hangsUp('within a line', 'ls ~.').isOver).toBe(false);
  const typed = hangsUp('within a line', 'x\r~');
  expect(typed).toEqual({ after: 'tilde', isOver: false });
  expect(hangsUp(typed.after, '.').isOver).toBe(true);
});

it('ports are written LOCAL:REMOTE, by number or by the name that the spec gives', () => {
  const vm = { name: 'lobby', spec: { ports: [{ name: 'http', port: 80, protocol: 'tcp' }] } } as unknown as Vm;
  expect(forwardedOf('8080', vm)).toEqual({ local: 8080, remote: 8080 });
  expect(forwardedOf('0:http', vm)).toEqual({ local: 0, remote: 80 });
  for (const wrong of ['x', '1:2:3', '70000', '0']) expect(() => forwardedOf(wrong, vm), wrong).toThrow(/port/);
});

it('a place of cp is in a VM only when it begins with a name and a colon', () => {
  expect(placeOf('lobby:/etc')).toEqual({ vm: 'lobby', path: '/etc' });
  expect(placeOf('lobby:')).toEqual({ vm: 'lobby', path: '.' });
  for (const here of ['/a:b', './a:b', 'plain', '-']) expect(placeOf(here)).toEqual({ path: here });
});

describe('a spec from flags', () => {
  it('has what they say, with secrets from the environment alone', () => {
    const options = {
      ...{ template: 'chat', memory: '512', label: ['a=1'], env: ['A=b=c'], secretEnv: ['TOKEN'] },
      set: ['idle.timeoutSeconds=30', 'maxLifetimeSeconds=null', 'ports=[{name: http, port: 80}]'],
    };
    expect(specOf('lobby', options, { TOKEN: 's' })).toEqual({
      ...{ name: 'lobby', template: 'chat', memoryMb: 512, labels: { a: '1' }, env: { A: 'b=c' } },
      ...{ secretEnv: { TOKEN: 's' }, idle: { timeoutSeconds: 30 }, maxLifetimeSeconds: null },
      ports: [{ name: 'http', port: 80 }],
    });
  });

  it('that is wrong is refused by the flag', () => {
    expect(() => specOf('x', { cpus: 'many' }, {})).toThrow('--cpus must be a number');
    expect(() => specOf('x', { secretEnv: ['A=b'] }, {})).toThrow('takes a name alone');
    expect(() => specOf('x', { secretEnv: ['A'] }, {})).toThrow('A is not set');
    expect(() => specOf('x', { label: ['novalue'] }, {})).toThrow('NAME=VALUE');
    expect(() => specOf('x', { set: ['name.deep=1'] }, {})).toThrow('name has no fields');
  });
});

it('every command says what it does, has examples, and each of its flags says what it is without it', () => {
  const cli: Cli = { version: '0', scripts: CLI_SCRIPTS, findRunning: () => Promise.resolve(undefined) };
  const all = (one: Command): Command[] => [one, ...one.commands.flatMap(all)];
  const commands = cliProgram(cli)
    .commands.flatMap(all)
    .filter((one) => one.name() !== 'help');
  expect(commands.length).toBeGreaterThan(60);
  for (const one of commands) {
    expect(one.summary(), one.name()).toMatch(/^[A-Z`].{10,}[.`)]$/);
    expect(examplesOf(one).length, one.name()).toBeGreaterThan(0);
    const vague = one.options.filter(
      ({ description, defaultValue }) =>
        defaultValue === undefined && !/\(default: .+\)|always needed/.test(description),
    );
    expect(
      vague.map(({ flags }) => flags),
      one.name(),
    ).toEqual([]);
  }
});

describe('completion', () => {
  const cli: Cli = { version: '0', scripts: {}, findRunning: () => Promise.resolve(undefined) };
  const words = async (...typed: string[]): Promise<string[]> =>
    (await candidates(cliProgram(cli), typed, cli)).map(({ word }) => word);

  it('knows commands, commands below them, flags, and values of flags', async () => {
    expect(await words('li')).toEqual([]);
    expect(await words('ti')).toEqual(['timeline']);
    expect(await words('hosts', 'dr')).toEqual(['drain']);
    expect(await words('ls', '--st')).toEqual(['--state']);
    expect(await words('ls', '-s', 'run')).toEqual(['running']);
    expect(await words('ls', '-o', 'js')).toEqual(['json']);
    expect(await words('completion', 'z')).toEqual(['zsh']);
  });
});
