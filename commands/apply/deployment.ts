import { readFileSync } from 'node:fs';
import type { Settings } from '../../config/settings.ts';
import { keyFileOf, readLiveRunFile } from '../start/run-file.ts';
import { ScriptError } from '../terminal/terminal.ts';

/** Which API is asked, and with which key: what is named, else what is set, else what runs on the state directory. */
export async function deploymentOf(named: {
  url: string | undefined;
  keyFile: string | undefined;
  settings: Settings;
}): Promise<{ url: string; key: string }> {
  const { settings } = named;
  const running = await readLiveRunFile(settings.stateDir);
  const url = named.url ?? running?.apiUrl ?? settings.api.url;
  // An address that somebody names may be anyone's: the key of what runs here goes there alone.
  const isOfRunning = running !== undefined && isSamePlace(url, running.apiUrl);
  const keyOfRunning = isOfRunning ? keyFileOf(settings.stateDir, running) : undefined;
  const keyFile = named.keyFile ?? (settings.api.presetKey === null ? keyOfRunning : undefined);
  const key = keyFile === undefined ? settings.api.presetKey : readKey(keyFile);
  if (key === null) {
    const why = running === undefined ? 'nothing runs' : `${running.apiUrl} runs, not ${url},`;
    throw new ScriptError(
      `no key: ${why} on ${settings.stateDir}; name a file with --key-file, or set EPHEMERA_API_KEY`,
    );
  }
  return { url: url.replace(/\/+$/, ''), key };
}

function isSamePlace(url: string, other: string): boolean {
  return URL.canParse(url) && new URL(url).origin === new URL(other).origin;
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new ScriptError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}
