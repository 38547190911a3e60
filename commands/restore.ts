/** `npm run restore -- DIR`: puts a backup back into the state directory and keeps what was there aside. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SECRET_KEY_FILE } from '../security/sealing/deployment-secret.ts';
import { makeStateDirectoryPrivate, writeForOwnUserOnly } from '../security/state-directory.ts';
import type { Settings } from '../config/settings.ts';
import { readManifest, secretFingerprint, verifyFiles, type BackupFile, type Manifest } from './backup/backup-files.ts';
import { answerHelp, usageLines, type Help } from './terminal/help.ts';
import { settingsOfArguments, takeOwnFlags } from './terminal/own-flags.ts';
import { tryLock } from '../lib/processes/process-lock.ts';
import { endLeftovers } from './start/run-file.ts';
import { TEMPORAL_DB_FILE } from './temporal/temporal-server.ts';
import { ScriptError, runScript, say, step, warn } from './terminal/terminal.ts';

const HELP: Help = {
  command: 'npm run restore',
  about:
    'Puts a backup back into the state directory and keeps what was there aside; nothing may run on it (docs/backup.md).',
  usage: ['DIR [--with-api-keys] [settings]'],
  flags: [
    ['DIR', 'a backup that npm run backup made: its path, or its name in the state directory or in backups/ there'],
    [
      '--with-api-keys',
      'takes the API keys of the backup too (default: those that are there stay, for a revoked one must not come back)',
    ],
  ],
  examples: [
    ['npm run restore -- backups/2026-11-21T07-03-53.123Z', 'one in the state directory'],
    ['npm run restore -- /mnt/other-disk/2026-11-21T07-03-53.123Z', 'one elsewhere'],
  ],
  settings: 'some',
};

/** SQLite keeps what is not in the file yet in these; beside another file they would damage it. */
const SQLITE_SIDE_FILES = [`${TEMPORAL_DB_FILE}-wal`, `${TEMPORAL_DB_FILE}-shm`] as const;

await runScript(main);

async function main(): Promise<void> {
  writeForOwnUserOnly();
  const [from, ...argv] = process.argv.slice(2);
  answerHelp(from === undefined ? ['--help'] : process.argv, HELP);
  if (from === undefined || from.startsWith('--')) throw new ScriptError(`name the backup first\n${usageLines(HELP)}`);
  const flags = takeOwnFlags(argv, { switches: ['with-api-keys'] });
  const settings = settingsOfArguments(flags.rest, HELP);
  makeStateDirectoryPrivate(settings.stateDir);
  const lock = await tryLock(join(settings.stateDir, 'start.lock'));
  if ('heldBy' in lock) {
    throw new ScriptError(
      `Ephemera runs on ${settings.stateDir} (process ${lock.heldBy.pid}): stop it first, with Ctrl-C or SIGTERM`,
    );
  }
  try {
    await restore(await findBackup(from, settings), settings, flags.switches.has('with-api-keys'));
  } finally {
    await lock.unlock();
  }
}

/** The folder that was named, from here or from where backups are by default; the first place when it is nowhere. */
async function findBackup(named: string, { stateDir }: Settings): Promise<string> {
  const places = [resolve(named), resolve(stateDir, named), resolve(stateDir, 'backups', named)];
  for (const place of places) if ((await stat(place).catch(() => undefined))?.isDirectory()) return place;
  throw new ScriptError(`there is no backup ${named}; looked for ${places.join(', ')}`);
}

async function restore(folder: string, settings: Settings, withApiKeys: boolean): Promise<void> {
  const { stateDir } = settings;
  const manifest = await readManifest(folder);
  assertSameDeployment(manifest, settings);
  const wanted = await wantedFiles(manifest, stateDir, withApiKeys);
  const draft = join(stateDir, `.restoring-${randomBytes(6).toString('hex')}`);
  try {
    await step('backup checked', async ({ note }) => {
      note(`of ${manifest.createdAt}`);
      await verifyFiles(folder, manifest);
      await mkdir(draft, { mode: 0o700 });
      for (const file of Object.keys(manifest.files)) await copyFile(join(folder, file), join(draft, file));
      await verifyFiles(draft, manifest);
      await assertSecret(manifest, draft, settings);
    });
    const leftovers = await endLeftovers(stateDir);
    if (leftovers.length > 0) warn(`ended what an earlier start left behind: ${leftovers.join(', ')}`);
    const aside = join(stateDir, `before-restore-${new Date().toISOString().replaceAll(':', '-')}`);
    await step('put back', async ({ note }) => {
      await mkdir(aside, { mode: 0o700 });
      // The side files first: whatever dies here leaves no database with the side files of another.
      for (const file of [...SQLITE_SIDE_FILES, ...wanted]) await moveIfThere(join(stateDir, file), join(aside, file));
      for (const file of wanted) await rename(join(draft, file), join(stateDir, file));
      note(`what was there is in ${aside}`);
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  say('  npm start goes on from there. Then look at GET /v1/sweep: machines of VMs that were made after the backup');
  say('  are listed as unattributed, and nobody ends them but you (docs/backup.md)');
}

function assertSameDeployment(manifest: Manifest, { deployment, temporal }: Settings): void {
  if (temporal.address !== null) {
    throw new ScriptError(`Temporal at ${temporal.address} is not one that npm start runs: restore it where it is`);
  }
  if (manifest.deployment !== deployment || manifest.namespace !== temporal.namespace) {
    throw new ScriptError(
      `the backup is of deployment ${manifest.deployment} in namespace ${manifest.namespace}, not of ${deployment} in ` +
        `${temporal.namespace}: use one of its own, or set EPHEMERA_DEPLOYMENT and TEMPORAL_NAMESPACE`,
    );
  }
}

/** The database and the secret belong together; API keys that are there are newer and stay, unless it is asked otherwise. */
async function wantedFiles(manifest: Manifest, stateDir: string, withApiKeys: boolean): Promise<BackupFile[]> {
  const wanted: BackupFile[] = [];
  for (const file of Object.keys(manifest.files) as BackupFile[]) {
    const belongsToData = file === TEMPORAL_DB_FILE || file === SECRET_KEY_FILE;
    const isThere = (await stat(join(stateDir, file)).catch(() => undefined)) !== undefined;
    if (belongsToData || withApiKeys || !isThere) wanted.push(file);
    else say(`  ${file} stays as it is; --with-api-keys takes the backup's`);
  }
  return wanted;
}

/** Sealed input and tokens of the restored VMs can only be read with the secret they were made with. */
async function assertSecret(manifest: Manifest, draft: string, settings: Settings): Promise<void> {
  const kept = manifest.files[SECRET_KEY_FILE] === undefined ? settings.stateDir : draft;
  const text = await readFile(join(kept, SECRET_KEY_FILE), 'utf8').catch(() => undefined);
  const secret = settings.secretKey ?? text?.trim();
  if (secret !== undefined && secretFingerprint({ secretKey: secret, stateDir: kept }) === manifest.secretFingerprint) {
    return;
  }
  const file = join(settings.stateDir, SECRET_KEY_FILE);
  throw new ScriptError(
    `the backup was made with another secret than ${settings.secretKey === null ? file : 'EPHEMERA_SECRET_KEY'}: ` +
      'set EPHEMERA_SECRET_KEY to the one of that time, or use another backup',
  );
}

async function moveIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}
