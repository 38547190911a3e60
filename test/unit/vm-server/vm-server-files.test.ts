/** Tars into the directory of a machine that is a process of its host, by the real tar. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Stream, StreamListener } from '../../../domain/agent/streams/mux.ts';
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

it('a tar that waits for its bytes writes through no link that another one makes meanwhile', async () => {
  const directory = join(root, 'machine');
  const place = { addresses: [], directory, filesRoot: directory, forwards: new Set<number>() };
  const begin = (): { listener: StreamListener; agreed: Promise<void>; ended: Promise<unknown> } => {
    const request = { kind: 'files', action: 'write', path: '/', countsAsConnection: false } as const;
    let agree = (): void => undefined;
    let over: (how: unknown) => void = () => undefined;
    const agreed = new Promise<void>((resolve) => (agree = resolve));
    const ended = new Promise((resolve) => (over = resolve));
    const stream: Stream = {
      write: (bytes, channel) => channel === CHANNEL.note && over(JSON.parse(Buffer.from(bytes).toString())),
      end: () => undefined,
      reset: ({ code }) => over(code),
      consumed: () => undefined,
    };
    return { listener: openFiles(request, { request, stream, agree }, place), agreed, ended };
  };
  const [first, second] = [begin(), begin()];
  await first.agreed;
  // Nothing tells that something does not happen: the second one has had time for its look and its tar.
  const early = await Promise.race([second.agreed.then(() => 'begun'), delay(500).then(() => 'waits')]);
  expect(early).toBe('waits');
  await symlink(join(root, 'outside'), join(root, 'packed', 'link'));
  const tarOf = (...names: string[]): Buffer =>
    spawnSync('tar', ['-c', '-f', '-', '-C', join(root, 'packed'), ...names]).stdout;
  first.listener.data(tarOf('link'), CHANNEL.data);
  first.listener.end();
  expect(await first.ended).toMatchObject({ exitCode: 0 });
  // It looks again, now that the first one is through.
  expect(await second.ended).toBe('fileRefused');
  expect(await readdir(join(root, 'outside'))).toEqual([]);
});
