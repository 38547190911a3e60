/** Takes file descriptors from a process that runs: what it has open stays open, and it opens nothing more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** The limits of this system can be changed from outside (Linux). */
export const HAS_PRLIMIT = process.platform === 'linux';

/** Resolves when the process gets no descriptor any more; the answer gives them back. */
export async function takeDescriptors(pid: number): Promise<() => Promise<void>> {
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
  const [, soft = ''] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  // Started before there is nothing left to start it with: the process may be this one.
  const shell = spawn('/bin/sh', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(shell, 'spawn');
  const limitTo = async (files: string): Promise<void> => {
    shell.stdin.write(`prlimit --pid ${pid} --nofile=${files}: && echo done || echo failed\n`);
    const [answer] = (await once(shell.stdout, 'data')) as [Buffer];
    if (!answer.toString().includes('done')) throw new Error(`prlimit cannot limit process ${pid}`);
  };
  await limitTo('1');
  return async () => {
    await limitTo(soft);
    shell.stdin.end();
  };
}
