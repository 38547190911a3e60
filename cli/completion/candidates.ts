/** What may follow on a command line: commands, flags, and names that the API knows. */
import type { Argument, Command, Option } from 'commander';
import { Ephemera } from '../../client/ephemera.ts';
import { namesOfVms, type Cli } from '../context.ts';
import { findDeployment } from '../deployment/find-deployment.ts';
import { profilesPath, readProfiles } from '../deployment/profiles.ts';
import { FORMATS } from '../output/print.ts';

export interface Candidate {
  word: string;
  /** Empty where there is nothing to say. */
  about: string;
}

/** A person waits for the answer to a key. */
const DEADLINE_SECONDS = 1.5;

const STATES = [
  ...['creating', 'booting', 'running', 'draining', 'stopping', 'stopped', 'imaging', 'starting'],
  ...['suspending', 'suspended', 'resuming', 'destroying', 'destroyed', 'failed'],
];

type Names = (ephemera: Ephemera) => Promise<string[]>;

const IN_TIME = { deadlineSeconds: DEADLINE_SECONDS };
const TEMPLATES: Names = async (ephemera) =>
  (await ephemera.call('listTemplates', {}, IN_TIME)).templates.map(({ name }) => name);
const HOSTS: Names = async (ephemera) => (await ephemera.call('listHosts', {}, IN_TIME)).hosts.map(({ id }) => id);
const SESSIONS: Names = async (ephemera) =>
  (await ephemera.call('listSessions', {}, IN_TIME)).sessions.map(({ name }) => name);
const IMAGES: Names = async (ephemera) =>
  (await ephemera.call('listImages', {}, IN_TIME)).images.map(({ name }) => name);
const VMS: Names = (ephemera) => namesOfVms(ephemera);

/** By the command and its argument; any other `name` is that of a VM. */
const NAMES: Readonly<Record<string, Names | undefined>> = {
  'templates get': TEMPLATES,
  'templates rm': TEMPLATES,
  'hosts cordon': HOSTS,
  'hosts uncordon': HOSTS,
  'hosts drain': HOSTS,
  'hosts rm': HOSTS,
  'images rm': IMAGES,
  reopen: SESSIONS,
  create: undefined,
};

/** The last word is the one that is being typed. */
export async function candidates(program: Command, words: readonly string[], cli: Cli): Promise<Candidate[]> {
  const typed = words.at(-1) ?? '';
  const { at, path, positionals, open } = placeOf(program, words.slice(0, -1));
  const found = await all(at, { path, positionals, open, typed, cli });
  return found.filter(({ word }) => word.startsWith(typed));
}

interface Place {
  at: Command;
  /** `templates get` */
  path: string;
  /** Arguments that are there already. */
  positionals: number;
  /** A flag that still needs its value. */
  open: Option | undefined;
}

function placeOf(program: Command, words: readonly string[]): Place {
  let place: Place = { at: program, path: '', positionals: 0, open: undefined };
  for (const word of words) {
    const { at, open } = place;
    if (open !== undefined) place = { ...place, open: undefined };
    else if (word.startsWith('-')) {
      const option = at.options.find(({ short, long }) => short === word || long === word);
      place = { ...place, open: option?.required || option?.optional ? option : undefined };
    } else {
      const below =
        place.positionals === 0
          ? commandsOf(at).find((one) => one.name() === word || one.aliases().includes(word))
          : undefined;
      if (below === undefined) place = { ...place, positionals: place.positionals + 1 };
      else place = { at: below, path: `${place.path} ${below.name()}`.trim(), positionals: 0, open: undefined };
    }
  }
  return place;
}

async function all(
  at: Command,
  { path, positionals, open, typed, cli }: Omit<Place, 'at'> & { typed: string; cli: Cli },
): Promise<Candidate[]> {
  if (open !== undefined) return valuesOf(open, cli);
  if (typed.startsWith('-')) return flagsOf(at);
  const below = positionals === 0 ? commandsOf(at).map((one) => ({ word: one.name(), about: one.summary() })) : [];
  if (path === 'use' || path === 'logout') return plain(profileNames());
  if (path === 'completion') return plain(['bash', 'zsh', 'fish']);
  const argument = argumentAt(at, positionals);
  const isOfVm = argument?.name() === 'name' || (path === 'cp' && argument !== undefined);
  const names = path in NAMES ? NAMES[path] : isOfVm ? VMS : undefined;
  if (names === undefined || argument === undefined) return below;
  const known = await asked(cli, names);
  return [...below, ...plain(path === 'cp' ? known.map((name) => `${name}:`) : known)];
}

/** The last one may be there many times. */
function argumentAt(at: Command, positionals: number): Argument | undefined {
  const last = at.registeredArguments.at(-1);
  return at.registeredArguments[positionals] ?? (last?.variadic ? last : undefined);
}

function commandsOf(at: Command): Command[] {
  return [...at.commands].filter((one) => one.name() !== 'help');
}

function flagsOf(at: Command): Candidate[] {
  const help = { word: '--help', about: 'says what it does, with examples' };
  return [
    ...at.options.map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description })),
    help,
  ];
}

async function valuesOf(option: Option, cli: Cli): Promise<Candidate[]> {
  switch (option.attributeName()) {
    case 'output':
      return plain(FORMATS);
    case 'state':
      return plain(STATES);
    case 'for':
      return plain(['ready', 'stopped', 'suspended', 'ended']);
    case 'profile':
      return plain(profileNames());
    case 'role':
      return plain(['admin', 'operator', 'viewer']);
    case 'template':
      return plain(await asked(cli, TEMPLATES));
    case 'vm':
      return plain(await asked(cli, VMS));
    case 'host':
      return plain(await asked(cli, HOSTS));
    default:
      return [];
  }
}

/** Nobody who presses a key is told why there is no answer. */
async function asked(cli: Cli, names: Names): Promise<string[]> {
  try {
    const { url, key } = await findDeployment({}, process.env, cli.findRunning);
    return await names(new Ephemera({ url, key, retries: 0, deadlineSeconds: DEADLINE_SECONDS }));
  } catch {
    return [];
  }
}

function profileNames(): string[] {
  try {
    return Object.keys(readProfiles(profilesPath(process.env)).profiles);
  } catch {
    return [];
  }
}

function plain(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word, about: '' }));
}
