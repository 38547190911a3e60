/** Files into a VM and out of it, as a tar on the way; what is there already decides as with `cp`. */
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { create, extract, Parser } from 'tar';
import { ApiError } from '../../client/ephemera.ts';
import {
  command,
  orDidYouMean,
  withDeployment,
  withSession,
  type Cli,
  type CommonOptions,
  type Session,
} from '../context.ts';
import { CliError, EXIT, usageError } from '../exit-codes.ts';
import { note } from '../output/print.ts';
import { elapsed, size } from '../output/text.ts';

export function cpCommand(cli: Cli): Command {
  const one = command('cp', 'Copies files and directories into a VM, or out of it.', [
    ['ephemera cp site lobby:/srv/site', 'a directory; into /srv/site/site where that is there already'],
    ['ephemera cp lobby:/var/log/app.log .', 'a file, into this directory'],
    ['ephemera cp lobby:/data - | tar -t', 'as a tar on standard output'],
    ['tar -c . | ephemera cp - lobby:/srv/site', 'a tar from standard input, unpacked in that directory'],
  ])
    .argument('<from>', 'PATH, NAME:PATH of a VM, or - for a tar')
    .argument('<to>', 'PATH, NAME:PATH of a VM, or - for a tar');
  return withDeployment(one).action((from: string, to: string, options: CommonOptions) =>
    withSession(cli, options, async (session) => {
      const [source, target] = [placeOf(from), placeOf(to)];
      const vm = source.vm ?? target.vm;
      if (vm === undefined || (source.vm !== undefined && target.vm !== undefined)) {
        throw usageError('one of the two is in a VM, NAME:PATH, and the other one is here');
      }
      const startedAt = performance.now();
      const bytes = await orDidYouMean(
        session,
        vm,
        source.vm === undefined
          ? upload(session, source.path, vm, target.path)
          : download(session, vm, source.path, target.path),
      );
      if (!session.isQuiet) note(`✓ ${from} -> ${to}: ${size(bytes)} in ${elapsed(performance.now() - startedAt)}`);
    }),
  );
}

export interface Place {
  /** Absent: on this computer. */
  vm?: string;
  path: string;
}

/** `lobby:/etc/hosts` is in a VM; `./a:b` and `/a:b` are here. */
export function placeOf(text: string): Place {
  const [, vm, path] = /^([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?):(.*)$/.exec(text) ?? [];
  return vm === undefined || path === undefined ? { path: text } : { vm, path: path === '' ? '.' : path };
}

async function download(session: Session, vm: string, path: string, to: string): Promise<number> {
  const body = await session.ephemera.vms.readFiles(vm, path, { signal: session.signal });
  const counted = countedStream(session, `${vm}:${path}`, Readable.fromWeb(body as never));
  if (to === '-') {
    for await (const chunk of counted.stream) {
      if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
    }
    return counted.bytes();
  }
  const target = resolve(to);
  const isDirectory = await isDirectoryHere(target);
  // Beside its place, so that nothing half done is there, and what a VM sends stays in a directory of its own.
  const beside = await mkdtemp(join(isDirectory ? target : dirname(target), '.ephemera-cp-')).catch(
    (error: unknown) => {
      throw new CliError(`${to}: ${(error as Error).message}`);
    },
  );
  try {
    await unpack(counted.stream, beside);
    const name = posix.basename(posix.resolve('/', path));
    const names = await readdir(beside);
    const isFile = names.length === 1 && names[0] === name && !(await isDirectoryHere(join(beside, name)));
    const from = isFile ? join(beside, name) : beside;
    await place(from, isDirectory && name !== '' ? join(target, name) : target);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return counted.bytes();
}

/** A `pipeline` would wait for ever here: what unpacks is no stream of Node, and asks for more only as `pipe` expects it. */
function unpack(tar: AsyncIterable<Buffer>, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const source = Readable.from(tar);
    const files = extract({ cwd: directory, strict: true, preserveOwner: false });
    const fail = (error: Error): void => {
      source.destroy();
      reject(error);
    };
    source.on('error', fail);
    files.on('error', fail).on('close', () => resolve());
    source.pipe(files);
  });
}

/** Into what is there, where something is. */
async function place(from: string, to: string): Promise<void> {
  const there = await stat(to).catch(() => undefined);
  if (there === undefined) await rename(from, to);
  else await cp(from, to, { recursive: true, force: true, verbatimSymlinks: true });
}

async function upload(session: Session, from: string, vm: string, to: string): Promise<number> {
  const { ephemera, signal } = session;
  const put = async (stream: Readable, path: string): Promise<number> => {
    const counted = countedStream(session, `${vm}:${to}`, stream);
    await ephemera.vms.writeFiles(vm, path, Readable.toWeb(Readable.from(counted.stream)) as never, { signal });
    return counted.bytes();
  };
  if (from === '-') return put(process.stdin, to);
  const source = resolve(from);
  const found = await stat(source).catch(() => undefined);
  if (found === undefined) throw new CliError(`${from}: there is no such file`, EXIT.notFound);
  const isInto = to.endsWith('/') || (await isDirectoryThere(session, vm, to));
  if (found.isDirectory()) {
    const path = isInto ? posix.join(to, basename(source)) : to;
    return put(packed({ cwd: source, portable: true, noDirRecurse: false }, ['.']), path);
  }
  const name = isInto ? basename(source) : posix.basename(to);
  const options = {
    ...{ cwd: dirname(source), portable: true },
    onWriteEntry: (entry: { path: string }) => void (entry.path = name),
  };
  return put(packed(options, [`./${basename(source)}`]), isInto ? to : posix.dirname(to));
}

function packed(options: Parameters<typeof create>[0], names: string[]): Readable {
  return Readable.from(create({ ...options, gzip: false } as never, names));
}

async function isDirectoryHere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** The tar of a directory begins with itself; no more than that is read. */
async function isDirectoryThere({ ephemera, signal }: Session, vm: string, path: string): Promise<boolean> {
  const body = await ephemera.vms.readFiles(vm, path, { signal }).catch((error: unknown) => {
    if (error instanceof ApiError && error.code === 'fileNotFound') return undefined;
    throw error;
  });
  if (body === undefined) return false;
  return new Promise((done) => {
    const parser = new Parser({
      onReadEntry: (entry) => done(entry.type === 'Directory' && /^\.\/?$/.test(entry.path)),
    });
    const reader = body.getReader();
    parser.on('end', () => done(false));
    void (async () => {
      const { value } = await reader.read();
      if (value !== undefined) parser.write(Buffer.from(value));
      await reader.cancel();
      done(false);
    })().catch(() => done(false));
  });
}

function countedStream(session: Session, what: string, stream: Readable) {
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      bytes += (chunk as Buffer).length;
      if (process.stderr.isTTY) session.progress.say(`${what}: ${size(bytes)}`);
      yield chunk as Buffer;
    }
    session.progress.stop();
  };
  return { stream: counted(), bytes: () => bytes };
}
