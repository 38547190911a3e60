/** Which API is asked, and with which key: what is named, else the environment, else a profile, else what runs here. */
import { readFileSync } from 'node:fs';
import { CliError, EXIT, usageError } from '../exit-codes.ts';
import { nearest } from '../nearest.ts';
import { looseProfiles, profilesPath, readProfiles } from './profiles.ts';
import { note } from '../output/print.ts';

export interface Deployment {
  url: string;
  key: string;
  /** Where it was found, for people. */
  from: string;
}

/** What `npm start` runs on this computer. */
export interface Running {
  url: string;
  keyFile: string;
}

export interface Named {
  url?: string | undefined;
  keyFile?: string | undefined;
  profile?: string | undefined;
}

/** @throws CliError that says how to name one. */
export async function findDeployment(
  named: Named,
  env: NodeJS.ProcessEnv,
  findRunning: () => Promise<Running | undefined>,
): Promise<Deployment> {
  const namedKey = named.keyFile === undefined ? undefined : readKey(named.keyFile);
  const profile = profileOf(named, env);
  // The key of a profile, and that of what runs here, go to its own address alone.
  if (named.profile !== undefined && profile !== undefined) {
    const url = named.url ?? profile.url;
    return { url, key: namedKey ?? keyFor(url, profile.url, profile.key), from: `profile ${profile.name}` };
  }
  const envKey = namedKey ?? nonEmpty(env['EPHEMERA_API_KEY']);
  const url = named.url ?? nonEmpty(env['EPHEMERA_API_URL']);
  if (url !== undefined && envKey !== undefined) {
    return { url: checkUrl(url), key: envKey, from: named.url === undefined ? 'EPHEMERA_API_URL' : '--url' };
  }
  if (profile !== undefined) {
    const key = namedKey ?? keyFor(url ?? profile.url, profile.url, profile.key);
    return { url: url ?? profile.url, key, from: `profile ${profile.name}` };
  }
  const running = await findRunning();
  if (running !== undefined) {
    const key = envKey ?? keyFor(url ?? running.url, running.url, readKey(running.keyFile));
    return { url: url ?? running.url, key, from: 'what runs here' };
  }
  const why = url === undefined ? 'no deployment is known: nothing runs here' : `no key for ${url}`;
  throw new CliError(
    `${why}. Start one with \`ephemera up\`, sign in with \`ephemera login URL\`, or set EPHEMERA_API_URL and EPHEMERA_API_KEY`,
    EXIT.refused,
  );
}

function profileOf(named: Named, env: NodeJS.ProcessEnv) {
  const path = profilesPath(env);
  const { current, profiles } = readProfiles(path);
  const asked = named.profile ?? nonEmpty(env['EPHEMERA_PROFILE']);
  const name = asked ?? current;
  const found = name === undefined ? undefined : profiles[name];
  if (name !== undefined && found !== undefined) {
    const loose = looseProfiles(path);
    if (loose !== undefined) note(`! ${loose}`);
    return { name, ...found };
  }
  if (asked === undefined) return undefined;
  const meant = nearest(asked, Object.keys(profiles));
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  throw new CliError(`no profile ${asked}${hint}: \`ephemera profiles\` lists them`, EXIT.notFound);
}

function keyFor(url: string, keysUrl: string, key: string): string {
  if (originOf(url) === originOf(keysUrl)) return key;
  throw new CliError(
    `no key for ${url}: the one of ${keysUrl} is not sent there. Name one with --key-file`,
    EXIT.refused,
  );
}

function originOf(url: string): string {
  return new URL(checkUrl(url)).origin;
}

/** @throws CliError for what is no address of an API. */
export function checkUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '');
  throw usageError(`${url} is no address of an API: it begins with https:// or http://`);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** @throws CliError. */
export function readKey(file: string): string {
  try {
    const key = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
    if (key !== '') return key;
  } catch (error) {
    throw usageError(`${file}: cannot be read (${String((error as NodeJS.ErrnoException).code ?? error)})`);
  }
  throw usageError(`${file}: holds no key`);
}
