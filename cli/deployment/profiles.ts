/** The deployments that somebody signed in to: `$XDG_CONFIG_HOME/ephemera/config.yaml`, readable by its owner alone. */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { CliError } from '../exit-codes.ts';

export interface Profile {
  /** Of the API. */
  url: string;
  /** An API key. */
  key: string;
}

export interface Profiles {
  /** The one that is used where none is named. */
  current?: string;
  profiles: Record<string, Profile>;
}

const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i;

export function profilesPath(env: NodeJS.ProcessEnv): string {
  const home = env['XDG_CONFIG_HOME'] ?? '';
  return join(home === '' ? join(homedir(), '.config') : home, 'ephemera', 'config.yaml');
}

/** @throws CliError for a file that is none. */
export function readProfiles(path: string): Profiles {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { profiles: {} };
    throw new CliError(`${path}: cannot be read (${String((error as NodeJS.ErrnoException).code)})`);
  }
  const { current, profiles } = checked(path, text);
  return { ...(current === undefined ? {} : { current }), profiles };
}

/** Others may not read it, at any moment. */
export function writeProfiles(path: string, profiles: Profiles): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, stringify(profiles), { mode: 0o600 });
  renameSync(beside, path);
}

/** What to say when others can read the keys, or undefined. */
export function looseProfiles(path: string): string | undefined {
  try {
    const isOpen = process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0;
    return isOpen ? `${path} holds keys and can be read by others: chmod 600 ${path}` : undefined;
  } catch {
    return undefined;
  }
}

/** @throws CliError. */
export function checkProfileName(name: string): string {
  if (NAME.test(name)) return name;
  throw new CliError(`a profile is named by 1 to 63 letters, digits, ".", "_" and "-", not ${JSON.stringify(name)}`, 2);
}

function checked(path: string, text: string): Profiles {
  let found: unknown;
  try {
    found = parse(text);
  } catch (error) {
    throw new CliError(`${path}: no YAML (${(error as Error).message.split('\n')[0] ?? ''})`);
  }
  if (found === null) return { profiles: {} };
  const { current, profiles = {} } = found as { current?: unknown; profiles?: unknown };
  const entries = typeof profiles === 'object' && profiles !== null ? Object.entries(profiles) : undefined;
  const areWhole = entries?.every(([, one]) => isProfile(one)) ?? false;
  if (!areWhole || (current !== undefined && typeof current !== 'string')) {
    throw new CliError(`${path}: each of \`profiles\` needs \`url\` and \`key\`, and \`current\` names one of them`);
  }
  return { ...(current === undefined ? {} : { current }), profiles: profiles as Record<string, Profile> };
}

function isProfile(value: unknown): value is Profile {
  const { url, key } = (value ?? {}) as { url?: unknown; key?: unknown };
  return typeof url === 'string' && typeof key === 'string';
}
