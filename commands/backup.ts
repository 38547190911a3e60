/** `npm run backup`: a copy of everything that a deployment cannot make again, taken while it runs. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeForOwnUserOnly } from '../security/state-directory.ts';
import type { Settings } from '../config/settings.ts';
import { KEY_FILES, secretFingerprint, writeManifest, type BackupFile } from './backup/backup-files.ts';
import { findOrGetCurrentNode } from './backup/current-node.ts';
import { answerHelp, type Help } from './terminal/help.ts';
import { settingsOfArguments, takeOwnFlags, wholeNumber } from './terminal/own-flags.ts';
import { runCommand } from './terminal/run-command.ts';
import { TEMPORAL_DB_FILE } from './temporal/temporal-server.ts';
import { ScriptError, runScript, say, step, warn } from './terminal/terminal.ts';

const ROOT = resolve(import.meta.dirname, '..');
/** `2026-11-21T07-03-53.123Z` */
const BACKUP_NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;
const UNFINISHED = '.unfinished-';
/** An unfinished backup that nobody wrote to for this long was abandoned. */
const ABANDONED_MS = 3600_000;

const HELP: Help = {
  command: 'npm run backup',
  about: 'Copies everything that a deployment cannot make again, while it runs (docs/backup.md).',
  usage: ['[--to DIR] [--keep N] [--without-keys] [settings]'],
  flags: [
    ['--to DIR', 'where backups go (default: backups/ in the state directory; another disk is better)'],
    ['--keep N', 'removes all but the newest N backups there (default: keeps all)'],
    ['--without-keys', "leaves out the deployment's secret and the API keys (default: takes them)"],
  ],
  examples: [
    ['npm run backup', 'into .ephemera/backups/'],
    ['npm run backup -- --to /mnt/other-disk --keep 7', 'elsewhere, and only the newest seven'],
  ],
  settings: 'some',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  writeForOwnUserOnly();
  const flags = takeOwnFlags(process.argv.slice(2), { switches: ['without-keys'], values: ['to', 'keep'] });
  const keep = wholeNumber(flags, 'keep');
  const settings = settingsOfArguments(flags.rest, HELP);
  const source = await findDatabase(settings);
  const folder = resolve(flags.values.get('to') ?? join(settings.stateDir, 'backups'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `${UNFINISHED}${randomBytes(6).toString('hex')}`);
  await mkdir(draft, { mode: 0o700 });
  try {
    await step('Temporal file copied and checked', async ({ note }) => note(await copyDatabase(source, draft)));
    const keys = flags.switches.has('without-keys') ? [] : await copyKeys(settings.stateDir, draft);
    const { deployment, temporal } = settings;
    const about = { deployment, namespace: temporal.namespace, secretFingerprint: secretFingerprint(settings) };
    const { createdAt } = await writeManifest(draft, [TEMPORAL_DB_FILE, ...keys], about);
    const done = join(folder, createdAt.replaceAll(':', '-'));
    await makeDurable(draft, [TEMPORAL_DB_FILE, ...keys]);
    await rename(draft, done);
    await prune(folder, keep);
    sayDone(done, keys, settings);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

async function findDatabase({ stateDir, temporal }: Settings): Promise<string> {
  if (temporal.address !== null) {
    throw new ScriptError(
      `Temporal at ${temporal.address} is not one that npm start runs: back it up where its database is (docs/backup.md)`,
    );
  }
  const path = join(stateDir, TEMPORAL_DB_FILE);
  if ((await stat(path).catch(() => undefined)) === undefined) {
    throw new ScriptError(`there is no ${path}: nothing to back up. Name the state directory with --state-dir DIR`);
  }
  return path;
}

/** Resolves with what to tell about the copy. */
async function copyDatabase(source: string, draft: string): Promise<string> {
  const node = await findOrGetCurrentNode();
  if ('missing' in node) {
    throw new ScriptError(`copying needs a Node.js with SQLite, 24 or newer, and there is none: ${node.missing}`);
  }
  const target = join(draft, TEMPORAL_DB_FILE);
  const { code, output } = await runCommand(
    node.path,
    [join(ROOT, 'commands/backup/sqlite-copy.mjs'), source, target],
    {
      cwd: ROOT,
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    },
  );
  if (code !== 0) throw new ScriptError(`${source} could not be copied: ${output.trim().slice(-500)}`);
  const { workflows } = JSON.parse(output) as { workflows: number };
  return `${workflows} workflows, ${((await stat(target)).size / 1e6).toFixed(1)} MB`;
}

async function copyKeys(stateDir: string, draft: string): Promise<BackupFile[]> {
  const copied: BackupFile[] = [];
  for (const file of KEY_FILES) {
    try {
      await copyFile(join(stateDir, file), join(draft, file));
      copied.push(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return copied;
}

/** On the disk before it has its name: a power cut leaves a whole backup or none. */
async function makeDurable(draft: string, files: readonly string[]): Promise<void> {
  for (const path of [...files.map((file) => join(draft, file)), draft]) {
    const file = await open(path);
    await file.sync();
    if (path !== draft) await file.chmod(0o600);
    await file.close();
  }
}

async function prune(folder: string, keep: number | undefined): Promise<void> {
  const names = await readdir(folder);
  const backups = names.filter((name) => BACKUP_NAME.test(name)).sort();
  const old = keep === undefined ? [] : backups.slice(0, Math.max(0, backups.length - keep));
  for (const name of names.filter((one) => one.startsWith(UNFINISHED))) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_MS) old.push(name);
  }
  for (const name of old) await rm(join(folder, name), { recursive: true, force: true });
  if (old.length > 0) say(`  removed ${old.length} older ones`);
}

function sayDone(done: string, keys: readonly BackupFile[], { secretKey }: Settings): void {
  say(`  ${done}`);
  say(`  back again with: npm run restore -- ${done}`);
  if (keys.length === 0) warn("it has no keys: a restore needs the deployment's secret from elsewhere");
  else warn(`it holds ${keys.join(', ')}: whoever reads it is administrator. Keep it as you keep those`);
  if (secretKey !== null) warn('EPHEMERA_SECRET_KEY comes from the environment and is not in it: keep that safe too');
}
