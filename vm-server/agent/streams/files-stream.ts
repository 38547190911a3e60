import { spawn, type ChildProcess, type IOType } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { StreamEnd } from '../../../domain/agent/streams/frames.ts';
import type { Accept, Stream, StreamListener } from '../../../domain/agent/streams/mux.ts';
import { CHANNEL, type ExitNote, type FilesRequest } from '../../../domain/agent/streams/requests.ts';
import { begunIn } from './begin.ts';
import { pumpIn, pumpOut } from './pump.ts';
import type { StreamPlace } from './stream-place.ts';

const MAX_COMPLAINT = 1000;

class Refusal extends Error {
  readonly code: StreamEnd['code'];

  constructor(code: StreamEnd['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A tar of a path comes, or one is unpacked in it; the `tar` of the machine does the work. */
export function openFiles(request: FilesRequest, { stream, agree }: Accept, place: StreamPlace): StreamListener {
  let child: ChildProcess | undefined;
  let isOver = false;
  const begin = async (): Promise<void> => {
    if (isOver) return;
    try {
      const { inner } = place;
      const [tar, ...words] = inner?.tar(request) ?? ['tar', ...(await tarArguments(request, place))];
      if (isEnded()) return;
      const within = inner === undefined ? {} : { cwd: '/', env: {} };
      const stdio: IOType[] = ['pipe', 'pipe', 'pipe', ...(inner === undefined ? [] : (['pipe'] as const))];
      child = spawn(tar, words, { ...within, stdio, detached: true });
      serve(child, request, stream, agree);
      await Promise.race([once(child, 'close'), once(child, 'error')]);
    } catch (error) {
      stream.reset(endFor(request, error));
    }
  };
  const isEnded = (): boolean => isOver;
  void (request.action === 'write' ? oneAfterTheOther(place, begin) : begin());
  return {
    data: (bytes) => pumpIn(bytes, child?.stdin ?? null, stream),
    end: () => child?.stdin?.end(),
    closed: (end) => {
      isOver = true;
      if (end !== null && child !== undefined) killGroup(child);
    },
  };
}

const WRITES = new WeakMap<StreamPlace, Promise<void>>();

/** What one tar looked at, before it writes through it, no other one changes meanwhile: it might make a link there. */
function oneAfterTheOther(place: StreamPlace, write: () => Promise<void>): Promise<void> {
  if (place.filesRoot === null) return write();
  const after = (WRITES.get(place) ?? Promise.resolve()).then(write);
  WRITES.set(place, after);
  return after;
}

/** With what it started. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function serve(child: ChildProcess, request: FilesRequest, stream: Stream, agree: () => void): void {
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, MAX_COMPLAINT);
  });
  child.stdin?.on('error', () => undefined);
  child.once('error', (error) => stream.reset(endFor(request, error)));
  child.once('spawn', () => {
    if (child.stdout !== null) pumpOut(child.stdout, stream, CHANNEL.data);
    if (request.action === 'read') child.stdin?.end();
    void begunIn(child).then((failed) => (failed === null ? agree() : stream.reset(failed)));
  });
  child.once('close', (exitCode) => {
    if (child.pid === undefined) return;
    const note: ExitNote = { type: 'exit', exitCode, ...(exitCode === 0 ? {} : { detail: complaint.trim() }) };
    stream.write(Buffer.from(JSON.stringify(note)), CHANNEL.note, () => undefined);
    stream.end();
  });
}

async function tarArguments({ action, path }: FilesRequest, place: StreamPlace): Promise<string[]> {
  const target = await placed(path, place);
  if (action === 'write') {
    await mkdir(target, { recursive: true });
    const real = await within(target, path, place);
    await refuseLinksOut(real, place);
    return ['-x', '-f', '-', '-C', real];
  }
  const real = await within(target, path, place);
  const isDirectory = (await stat(real)).isDirectory();
  return isDirectory
    ? ['-c', '-f', '-', '-C', real, '.']
    : ['-c', '-f', '-', '-C', dirname(real), `./${basename(real)}`];
}

/** Where a path is, by its words and by the links in what is there of it. */
async function placed(path: string, place: StreamPlace): Promise<string> {
  const { filesRoot, directory } = place;
  if (filesRoot === null) return resolve(directory, path);
  const target = join(filesRoot, join(sep, path));
  let existing = target;
  for (;;) {
    try {
      await within(existing, path, place);
      return target;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existing === dirname(existing)) throw error;
      existing = dirname(existing);
    }
  }
}

/** The place itself, without links. Rejects for one outside. */
async function within(target: string, path: string, { filesRoot }: StreamPlace): Promise<string> {
  const real = await realpath(target);
  if (filesRoot === null) return real;
  const root = await realpath(filesRoot);
  if (real === root || real.startsWith(root + sep)) return real;
  throw new Refusal('fileRefused', `${path} is outside of the directory of this machine, by a link: name another path`);
}

/** A tar writes through the links that are there, wherever they lead. */
async function refuseLinksOut(target: string, { filesRoot }: StreamPlace): Promise<void> {
  if (filesRoot === null) return;
  const root = await realpath(filesRoot);
  for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const said = resolve(entry.parentPath, await readlink(link));
    // What is not there yet is where its words say.
    const end = await realpath(link).catch(() => said);
    if (end === root || end.startsWith(root + sep)) continue;
    const detail = `${link.slice(root.length + 1)} is a link out of the directory of this machine: remove it, or name another path`;
    throw new Refusal('fileRefused', detail);
  }
}

function endFor({ action, path }: FilesRequest, error: unknown): StreamEnd {
  if (error instanceof Refusal) return { code: error.code, detail: error.message };
  const { code, message, syscall = '' } = error as NodeJS.ErrnoException;
  if (syscall.startsWith('spawn'))
    return { code: 'execFailed', detail: 'There is no tar in the VM: its image needs it' };
  if (code === 'ENOENT') return { code: 'fileNotFound', detail: `${path} is not there` };
  const deed = action === 'read' ? 'read' : 'written to';
  return { code: 'fileRefused', detail: `${path} cannot be ${deed}: ${code ?? message}` };
}
