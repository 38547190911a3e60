import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../test-support/npm-start.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const WAIT = { timeout: 15_000, interval: 50 };

/** A package whose script runs under npm and the launcher as `npm start` does, and ends as that does. */
const SCRIPT = `
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScript } from '${ROOT}/commands/terminal/terminal.ts';
const [directory = ''] = process.argv.slice(2);
await runScript(async () => {
  const stop = setInterval(() => undefined, 1000);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      appendFileSync(join(directory, 'story'), signal + '\\n');
      process.stdout.write('stopping\\n');
      clearInterval(stop);
    });
  }
  writeFileSync(join(directory, 'pids.part'), JSON.stringify({ launcher: process.ppid, script: process.pid }));
  renameSync(join(directory, 'pids.part'), join(directory, 'pids'));
});
process.on('exit', (code) => appendFileSync(join(directory, 'story'), 'exit ' + code + '\\n'));
`;

let directory: string;
const started: number[] = [];
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ephemera-launcher-'));
  writeFileSync(join(directory, 'script.ts'), SCRIPT);
  const start = `exec node ${ROOT}/commands/with-packages.mjs ${join(directory, 'script.ts')} ${directory}`;
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'launched', type: 'module', scripts: { start } }),
  );
});
afterEach(() => {
  for (const pid of started.splice(0)) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a command of a shell in the package, and lets the shell end; resolves with the pids of npm, launcher and script once the script runs. */
async function launched(command: string): Promise<{ npm: number; launcher: number; script: number }> {
  for (const file of ['pids', 'story', 'npm']) rmSync(join(directory, file), { force: true });
  const shell = spawn('sh', ['-c', command], { cwd: directory, detached: true, stdio: 'ignore' });
  await once(shell, 'exit');
  await expect.poll(() => existsSync(join(directory, 'pids')), WAIT).toBe(true);
  const pids = JSON.parse(readFileSync(join(directory, 'pids'), 'utf8')) as { launcher: number; script: number };
  const npm = Number(readFileSync(join(directory, 'npm'), 'utf8'));
  started.push(npm, pids.launcher, pids.script);
  return { npm, ...pids };
}

const BACKGROUND = 'npm start --silent & echo $! > npm';

const story = (): string => readFileSync(join(directory, 'story'), 'utf8');

describe('a script that npm runs', () => {
  it('goes on when the shell that put npm into the background ends', async () => {
    const { script } = await launched(BACKGROUND);
    // Three looks for npm.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(isRunning(script)).toBe(true);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('ends in order when npm gets %s', async (signal) => {
    const { npm, launcher, script } = await launched(BACKGROUND);
    process.kill(npm, signal);
    await expect.poll(() => [npm, launcher, script].filter(isRunning), WAIT).toEqual([]);
    expect(story()).toBe('SIGTERM\nexit 0\n');
  });

  it('ends in order when its launcher is killed by -9', async () => {
    const { launcher, script } = await launched(BACKGROUND);
    process.kill(launcher, 'SIGKILL');
    await expect.poll(() => isRunning(script), WAIT).toBe(false);
    expect(story()).toBe('SIGTERM\nexit 0\n');
  });

  it('ends in order although nobody reads its output any more', async () => {
    const { npm, script } = await launched(`(${BACKGROUND}) | true`);
    process.kill(npm, 'SIGTERM');
    await expect.poll(() => isRunning(script), WAIT).toBe(false);
    expect(story()).toBe('SIGTERM\nexit 0\n');
  });
});

describe('a script that was started without npm', () => {
  it('goes on when the shell that started it ends', async () => {
    const command = `node ${ROOT}/commands/with-packages.mjs ${join(directory, 'script.ts')} ${directory} & echo $! > npm`;
    const { launcher, script } = await launched(command);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect([launcher, script].every(isRunning)).toBe(true);
  });
});
