/** `ephemera …`: the command line, with the scripts of a deployment and what runs on this computer. */
import { readFileSync } from 'node:fs';
import { runCli } from '../cli/run-cli.ts';
import { CLI_SCRIPTS } from './cli-scripts.ts';

await runCli(process.argv.slice(2), { version: versionOfPackage(), scripts: CLI_SCRIPTS, findRunning });

function versionOfPackage(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** Settings and what reads them are loaded only where nobody named a deployment. */
async function findRunning() {
  const [{ loadSettings }, { keyFileOf, readLiveRunFile }] = await Promise.all([
    import('../config/load-settings.ts'),
    import('./start/run-file.ts'),
  ]);
  try {
    const { stateDir } = loadSettings({ argv: [], env: process.env, cwd: process.cwd() });
    const running = await readLiveRunFile(stateDir);
    if (running === undefined) return undefined;
    const keyFile = keyFileOf(stateDir, running);
    return keyFile === undefined ? undefined : { url: running.apiUrl, keyFile };
  } catch {
    // Wrong settings are told by what needs them.
    return undefined;
  }
}
