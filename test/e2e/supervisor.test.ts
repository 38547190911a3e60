import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Supervisor } from '../../commands/start/supervisor.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'ephemera-supervisor-'));
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

/** A process that says once that it runs, and takes its time to end. */
const program = (endsAfterMs: number): string =>
  `process.on('SIGTERM', () => setTimeout(process.exit, ${endsAfterMs}, 0)); setInterval(() => 0, 1000); console.log('up')`;

const starts = (name: string): number =>
  readFileSync(join(stateDir, 'logs', `${name}.log`), 'utf8').split('up').length - 1;

it('starts nothing again while it stops, although systemd ends all processes at the same moment', async () => {
  const supervisor = new Supervisor({ stateDir, cwd: stateDir, onChange: () => undefined });
  for (const [name, endsAfterMs] of [
    ['temporal', 0],
    ['api', 1500],
  ] as const) {
    const args = ['-e', program(endsAfterMs)];
    await supervisor.start({ name, command: process.execPath, args, env: process.env, stopGraceMs: 10_000 });
    await expect.poll(() => starts(name), { timeout: 10_000 }).toBe(1);
  }
  const stopped: string[] = [];
  const stopping = supervisor.stop((name) => stopped.push(name));
  for (const pid of Object.values(supervisor.pids)) process.kill(pid, 'SIGTERM');
  await stopping;
  expect(stopped).toEqual(['api', 'temporal']);
  expect(supervisor.pids).toEqual({});
  expect([starts('temporal'), starts('api')]).toEqual([1, 1]);
});
