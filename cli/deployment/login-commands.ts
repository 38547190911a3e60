/** Deployments that somebody signs in to: login, logout, profiles, use. */
import type { Command } from 'commander';
import { ApiError, Ephemera } from '../../client/ephemera.ts';
import { command, type Cli } from '../context.ts';
import { CliError, EXIT, usageError } from '../exit-codes.ts';
import { nearest } from '../nearest.ts';
import { note, print, printList, type Format, type Shown } from '../output/print.ts';
import { checkUrl, readKey } from './find-deployment.ts';
import { checkProfileName, profilesPath, readProfiles, writeProfiles } from './profiles.ts';
import { askSecret } from './ask-secret.ts';

export function loginCommands(cli: Cli): Command[] {
  return [loginCommand(cli), logoutCommand(), useCommand(), profilesCommand()];
}

interface LoginOptions {
  name?: string;
  keyFile?: string;
}

function loginCommand(cli: Cli): Command {
  return command('login', 'Signs in to a deployment: asks for an API key, tries it, and keeps it in a profile.', [
    ['ephemera login https://ephemera.example.com', 'asks for the key, which is not shown'],
    ['ephemera login https://ephemera.example.com --name prod --key-file key', 'from a file'],
    ['ephemera login', 'what `ephemera up` runs here'],
  ])
    .argument('[url]', 'where the API is (default: EPHEMERA_API_URL, else what runs here)')
    .option('--name <NAME>', 'what the profile is called (default: the name of its host)')
    .option('--key-file <FILE>', 'file with an API key, - for standard input (default: asks for it)')
    .action(async (asked: string | undefined, options: LoginOptions) => {
      const running = asked === undefined ? await cli.findRunning() : undefined;
      const found = asked ?? (process.env['EPHEMERA_API_URL'] || running?.url);
      if (found === undefined) throw usageError('which deployment? ephemera login https://ephemera.example.com');
      const url = checkUrl(found);
      const { hostname, protocol } = new URL(url);
      const isLoopback = /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
      if (protocol === 'http:' && !isLoopback) note(`! the key goes to ${url} in plain text: https:// keeps it secret`);
      const name = checkProfileName(options.name ?? (isLoopback ? 'local' : hostname));
      const keyFile = options.keyFile ?? (found === running?.url ? running.keyFile : undefined);
      const key = keyFile === undefined ? await askSecret(`API key for ${url}: `) : readKey(keyFile);
      await tryKey(url, key);
      const path = profilesPath(process.env);
      const { profiles } = readProfiles(path);
      writeProfiles(path, { current: name, profiles: { ...profiles, [name]: { url, key } } });
      print(`signed in to ${url} as profile ${name}, which is now the one in use (${path})`);
    });
}

/** @throws CliError where the key is none of the deployment. */
async function tryKey(url: string, key: string): Promise<void> {
  const ephemera = new Ephemera({ url, key, retries: 1, deadlineSeconds: 10 });
  await ephemera.vms.list({ pageSize: 1 }).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    throw new CliError(`${url} does not know that key; nothing was kept`, EXIT.refused);
  });
}

function logoutCommand(): Command {
  return command('logout', 'Forgets a profile and its key; the key itself stays good.', [
    ['ephemera logout prod', '`ephemera keys revoke` ends a key'],
  ])
    .argument('[name]', 'the profile (default: the one in use)')
    .action((asked: string | undefined) => {
      const path = profilesPath(process.env);
      const { current, profiles } = readProfiles(path);
      const name = known(asked ?? current, profiles);
      const rest = Object.fromEntries(Object.entries(profiles).filter(([one]) => one !== name));
      writeProfiles(path, { ...(current === undefined || current === name ? {} : { current }), profiles: rest });
      print(`forgot profile ${name}`);
    });
}

function useCommand(): Command {
  return command('use', 'Chooses the profile that commands use.', [
    ['ephemera use prod', 'until another one is chosen'],
    ['EPHEMERA_PROFILE=test ephemera ls', 'another one, once'],
  ])
    .argument('<name>', 'the profile')
    .action((asked: string) => {
      const path = profilesPath(process.env);
      const { profiles } = readProfiles(path);
      const name = known(asked, profiles);
      writeProfiles(path, { current: name, profiles });
      print(`using ${name}: ${profiles[name]?.url ?? ''}`);
    });
}

interface Row {
  name: string;
  url: string;
  isCurrent: boolean;
}

const SHOWN_PROFILES: Shown<Row> = {
  nameOf: ({ name }) => name,
  none: 'no profiles (`ephemera login URL` makes one)',
  columns: [
    { title: 'NAME', value: ({ name }) => name, leftOut: 0 },
    { title: 'IN USE', value: ({ isCurrent }) => (isCurrent ? 'yes' : '-'), leftOut: 0 },
    { title: 'URL', value: ({ url }) => url, shrinks: true, leftOut: 0 },
  ],
};

function profilesCommand(): Command {
  return command('profiles', 'Lists the deployments that you signed in to.', [
    ['ephemera profiles', 'without their keys'],
  ])
    .option('-o, --output <FORMAT>', 'how it is printed: table, json, yaml, name', 'table')
    .action(({ output }: { output: Format }) => {
      const { current, profiles } = readProfiles(profilesPath(process.env));
      const rows = Object.entries(profiles).map(([name, { url }]) => ({ name, url, isCurrent: name === current }));
      printList(rows, SHOWN_PROFILES, output);
    });
}

function known(name: string | undefined, profiles: object): string {
  if (name !== undefined && name in profiles) return name;
  const meant = name === undefined ? undefined : nearest(name, Object.keys(profiles));
  const hint = meant === undefined ? '`ephemera profiles` lists them' : `did you mean ${meant}?`;
  throw new CliError(name === undefined ? 'no profile is in use' : `no profile ${name} (${hint})`, EXIT.notFound);
}
