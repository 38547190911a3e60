/** The EC2 of moto, a package of PyPI that plays the API of Amazon; installed once for all checkouts of this user. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holdLock } from '../../lib/processes/process-lock.ts';
import { eventually } from '../eventually.ts';
import { freePort } from '../free-port.ts';

const run = promisify(execFile);

const VERSION = '5.2.5';
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ephemera');
const DIRECTORY = join(CACHE, `moto-${VERSION}`);
const SERVER = join(DIRECTORY, 'bin/moto_server');
/** Written last, so that half an installation is made anew. */
const WHOLE = join(DIRECTORY, 'whole');
const START_TIMEOUT_MS = 120_000;

/** Moto without Amazon's images, which take seconds to load, and with a refusal of images and types that there are not. */
const SETTINGS = {
  MOTO_EC2_LOAD_DEFAULT_AMIS: 'false',
  MOTO_ENABLE_AMI_VALIDATION: '1',
  MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: '1',
};

export interface Moto {
  /** `http://127.0.0.1:PORT`. */
  url: string;
  close: () => void;
}

/** Rejects with what pip said where it cannot be installed; needs Python 3 with venv. */
export async function startMoto(): Promise<Moto> {
  await installMoto();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(SERVER, ['-H', '127.0.0.1', '-p', String(port)], {
    env: { ...process.env, ...SETTINGS },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => (said = (said + String(text)).slice(-4000)));
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}: ${said}`);
    await fetch(`${url}/moto-api/`);
  }, START_TIMEOUT_MS);
  return {
    url,
    close: () => {
      process.off('exit', end);
      end();
    },
  };
}

async function installMoto(): Promise<void> {
  if (existsSync(WHOLE)) return;
  await mkdir(CACHE, { recursive: true });
  const unlock = await holdLock(`${DIRECTORY}.lock`, {});
  try {
    if (existsSync(WHOLE)) return;
    await rm(DIRECTORY, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', DIRECTORY]);
    const packages = [`moto[ec2,server]==${VERSION}`];
    await run(join(DIRECTORY, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages]);
    await writeFile(WHOLE, '');
  } finally {
    await unlock();
  }
}
