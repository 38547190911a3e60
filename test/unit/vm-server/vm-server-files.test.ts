/** Tars into the directory of a machine that is a process of its host, by the real tar. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Stream } from '../../../domain/agent/streams/mux.ts';
import { CHANNEL } from '../../../domain/agent/streams/requests.ts';
import { openFiles } from '../../../vm-server/agent/streams/files-stream.ts';

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'eph-files-')));
  for (const name of ['machine', 'outside', 'packed/way']) await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, 'packed', 'way', 'word'), 'a word');
});
afterEach(() => rm(root, { recursive: true }));

/** Unpacks `way/word` in a directory of the machine; the exit code of tar, or the code of a refusal. */
function put(path: string): Promise<unknown> {
  const tar = spawnSync('tar', ['-c', '-f', '-', '-C', join(root, 'packed'), 'way/word']).stdout;
  const request = { kind: 'files', action: 'write', path, countsAsConnection: false } as const;
  const directory = join(root, 'machine');
  return new Promise((resolve) => {
    const stream: Stream = {
      write: (bytes, channel) => {
        if (channel === CHANNEL.note)
          resolve((JSON.parse(Buffer.from(bytes).toString()) as { exitCode: number }).exitCode);
      },
      end: () => undefined,
      reset: ({ code }) => resolve(code),
      consumed: () => undefined,
    };
    const agree = (): void => {
      listener.data(tar, CHANNEL.data);
      listener.end();
    };
    const place = { addresses: [], directory, filesRoot: directory, forwards: new Set<number>() };
    const listener = openFiles(request, { request, stream, agree }, place);
  });
}

it('a tar is not unpacked where a link leads out of the directory of the machine, and through no such link', async () => {
  expect(await put('inbox')).toBe(0);
  await symlink('inbox', join(root, 'machine', 'alias'));
  expect(await put('/')).toBe(0);
  for (const target of ['../../outside', join(root, 'outside'), '/nowhere/yet']) {
    await mkdir(join(root, 'machine', 'deep'), { recursive: true });
    await symlink(target, join(root, 'machine', 'deep', 'way'));
    expect([target, await put('deep')]).toEqual([target, 'fileRefused']);
    expect([target, await put('/')]).toEqual([target, 'fileRefused']);
    await rm(join(root, 'machine', 'deep'), { recursive: true });
  }
  expect(await readdir(join(root, 'outside'))).toEqual([]);
});
